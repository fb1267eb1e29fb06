"""Values in an external cache: what reading one back is counted against."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from gateway.expressions.json.reader import parse
from gateway.expressions.json.writer import write
from gateway.expressions.limits import forget
from gateway.policies.parts.value_forms import CODEC
from tests.expressions.stubs import compiled, context


def test_a_value_is_read_whatever_another_request_has_used() -> None:
    """The time that another request's expression has used up is not counted against a value that is read back."""
    forget()
    kept = CODEC.encode(parse('{"a": [1, 2, 3]}'))
    with pytest.raises(ExpressionError, match="ran longer|more than"):
        compiled("@{ while (true) { } return 1; }")(context())
    assert write(CODEC.decode(kept), False) == '{"a":[1,2,3]}'  # type: ignore[arg-type]
