"""What goes wrong through no fault of the program, in words for the person who meets it."""


class Refusal(Exception):
    """The parameters or the ledger can't be used, so nothing is run.

    Parameters
    ----------
    *problems : str
        One readable line for each problem: what is wrong, where, and what to do.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems

    def _render_traceback_(self) -> list[str]:
        # what a notebook shows in place of a traceback
        return list(self.problems)


class CannotSay(Exception):
    """This customer base doesn't hold what an answer needs; the message says what is missing."""


class Unbalanced(Exception):
    """Rows or money went missing between the source and the tables: a fault of this program, so the run fails."""
