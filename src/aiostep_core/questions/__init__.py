"""What ask() can turn an answer into. One module per family; add yours to ``known``, or bring it in a plugin."""

from .base import AnyMessage as AnyMessage
from .base import Retry as Retry
from .base import say_again as say_again
from .known import is_spec as is_spec
from .known import question_for as question_for

__all__ = ["AnyMessage", "Retry", "is_spec", "question_for", "say_again"]
