"""What the operator decides about people's recount. All of it is published, but the access codes."""

from typing import Annotated, Literal

from pydantic import Field

from aigaq.base import Settings
from aigaq.recount.people.model import Policy

Who = Literal["all", "accredited"]
_Share = Annotated[float, Field(gt=0, le=1)]


class PeopleSettings(Settings):
    """Keys of people's recount."""

    seed: Annotated[str, Field(max_length=200)] = ""
    """Drawn in public after the films are sealed. Until one is set the page says that nothing was drawn."""
    audit_share: _Share = 0.05
    """Of the ballots that the machine is sure of, how many people read."""
    gold_share: _Share = 0.05
    """Of a viewer's questions, how many are asked to see whether they read with care."""
    lead: Annotated[int, Field(ge=2, le=5)] = 2
    """An answer stands when so many more people give it than any other: two who agree, or three against one."""
    most: Annotated[int, Field(ge=2, le=15)] = 5
    """Viewers who may differ before an accredited reader decides."""
    adjudicators: Annotated[int, Field(ge=1, le=5)] = 1
    networks_apart: bool = True
    """No two answers to one ballot from one network. Switch off where all read in one room."""
    whole_sheets: Who = "accredited"
    """Who sees whole sheets: an identifiable mark beside the boxes could sell a vote."""
    films: Who = "all"
    """Who may count along with films of reading folders."""
    access_codes: tuple[Annotated[str, Field(min_length=12, max_length=100)], ...] = ()
    """Of accredited readers, until there are accounts: one for each person, so that two rulings are two people's."""
    database: str = ""
    """SQLAlchemy address of a PostgreSQL; empty for `people.sqlite` in the folder of the recount."""

    def policy(self) -> Policy:
        """The numbers of the rules."""
        return Policy(
            lead=self.lead,
            most=self.most,
            adjudicators=self.adjudicators,
            audit_share=self.audit_share,
            gold_share=self.gold_share,
            networks_apart=self.networks_apart,
        )
