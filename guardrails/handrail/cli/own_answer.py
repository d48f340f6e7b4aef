"""`handrail tickets own-answer`: what a person would answer, kept before they see the assistant's draft."""

from typing import Annotated

import typer

from handrail.cli.options import (
    DEFAULT_PEOPLE,
    DEFAULT_STORE,
    PeopleOption,
    PersonOption,
    PolicyOption,
    StoreOption,
    TenantOption,
    opened,
    serving,
)


def own_answer(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Its reference, or id.")],
    text: Annotated[str, typer.Argument(help="What you would answer the customer.")],
    person: PersonOption = "",
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Keep what you would answer yourself, once; where your role asks for it the draft is shown after that.

    The ticket is claimed first if nobody has it.

    **Examples**

    - `handrail tickets own-answer HR-7K3F "It comes on Friday." --as sam --people people.yaml`
    """
    with opened(store) as found:
        service, reviewer = serving(found, person, tenant, policy, people)
        service.claim(reviewer, ticket)
        service.give_own_answer(reviewer, ticket, text)
        draft = service.screen(reviewer, ticket).draft
    typer.echo(f"Kept. The draft: {draft}" if draft else "Kept. No draft is held.")
