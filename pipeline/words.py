"""Eight bytes of a text as one number inside compiled loops: two instructions that numba has no name for.

Compiled from numba's own building blocks; `docs/adr/0048-columns-from-bytes.md` tells what they are worth.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

#: Texts whose words are read have so many bytes more than what is meant, since a word may begin at their last byte.
PADDING = 32


@intrinsic
def _word_at(_context: Any, text: Any, at: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(place, context.get_value_type(types.uint64).as_pointer()), align=1)

    return types.uint64(text, at), build


@intrinsic
def _trailing_zeros(_context: Any, word: Any) -> Any:
    def build(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.true_bit)

    return types.uint64(word), build


#: The eight bytes that begin at a place of a text, the first one lowest.
word_at = cast(Callable[[NDArray[np.uint8], int], np.uint64], _word_at)
#: Bits of a number, not 0, below its lowest one.
trailing_zeros = cast(Callable[[np.uint64], np.uint64], _trailing_zeros)
