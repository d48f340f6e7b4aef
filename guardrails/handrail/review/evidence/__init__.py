"""What a log proves: bets, certificates, searches, readers and drift, followed week by week."""
