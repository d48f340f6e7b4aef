"""Ready policies, one YAML file each with its tests inside; load one with `handrail.policy.load(name)`."""
