"""`NamedTuple` and `Protocol` as in `typing`, made in a tenth of the time: the package's start-up is a feature.

`typing.NamedTuple` compiles code for each of the package's hundred classes when it is defined, about 0.12 ms each, a
third of the time to import them all (`python -m tests.benchmark` measures the whole). Type checkers see the originals.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
    from typing import Protocol as Protocol
else:
    from _collections import _tuplegetter

    _REQUIRED = object()

    class _Maker(type):
        """Turns a class body of annotated fields into a subclass of tuple."""

        def __new__(maker, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(maker, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = tuple(body.pop(field, _REQUIRED) for field in fields)
            for index, field in enumerate(fields):
                body[field] = _tuplegetter(index, "")
            body |= {
                "__slots__": (),
                "__match_args__": fields,
                "_fields": fields,
                "__new__": _constructor(name, fields, defaults),
                "__reduce__": _reduced,
                "__repr__": _repr,
                "_make": classmethod(tuple.__new__),
                "_replace": _replace,
            }
            return type(name, (tuple,), body)

    def _constructor(name: str, fields: tuple[str, ...], defaults: tuple[object, ...]):
        count = len(fields)
        least = max((index + 1 for index, default in enumerate(defaults) if default is _REQUIRED), default=0)

        def __new__(cls, *values, **named):  # noqa: N807
            given = len(values)
            if given == count and not named:
                return tuple.__new__(cls, values)
            if not named and least <= given <= count:
                return tuple.__new__(cls, values + defaults[given:])
            if given > count:
                raise TypeError(f"{name} takes {count} values, not {given}")
            rest = [named.pop(field, default) for field, default in zip(fields[given:], defaults[given:], strict=True)]
            if named:
                raise TypeError(f"{name} takes no {', '.join(named)} here")
            if _REQUIRED in rest:
                raise TypeError(f"{name} needs more than {', '.join(fields[:given]) or 'nothing'}")
            return tuple.__new__(cls, (*values, *rest))

        return __new__

    _made = tuple.__new__

    def _reduced(self) -> tuple:
        """What a copy is made of, by `copy` or `pickle`: without a call of Python's for each record."""
        return _made, (type(self), tuple(self))

    def _repr(self) -> str:
        shown = (f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({', '.join(shown)})"

    def _replace(self, /, **named):
        """A copy with other values for the named fields."""
        found = tuple.__new__(
            type(self), [named.pop(field, value) for field, value in zip(self._fields, self, strict=True)]
        )
        if named:
            raise ValueError(f"{type(self).__name__} has no {', '.join(named)}")
        return found

    class NamedTuple(metaclass=_Maker):
        """The base to write; what comes of it is a tuple."""

    class Protocol:
        """Nothing at run time: the package asks no object whether it follows one."""
