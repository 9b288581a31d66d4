"""The table of our own operations, compiled once for look-ups by path."""

from collections.abc import Iterable

from core.api.operations import Operation


class Path:
    """One path of the URL table and what may be done there, by method."""

    __slots__ = ("allowed", "operations")

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self.allowed = "OPTIONS"

    def add(self, operation: Operation) -> None:
        """The first operation of a method stands, as in the URL table."""
        self.operations.setdefault(operation.method, operation)
        methods = {*self.operations, "OPTIONS"} | ({"HEAD"} if "GET" in self.operations else set())
        self.allowed = ", ".join(sorted(methods))

    def operation(self, method: str) -> Operation | None:
        """The operation of a method; HEAD is asked of GET."""
        return self.operations.get("GET" if method == "HEAD" else method)


class Table:
    """Finds paths: those without parameters by one look-up, the others among the few of the same shape."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._static: dict[str, Path] = {}
        self._by_shape: dict[tuple[str, str, int], list[tuple[Operation, Path]]] = {}
        paths: dict[str, Path] = {}
        for operation in operations:
            path = paths.get(operation.path)
            if path is None:
                path = paths[operation.path] = Path()
                if "{" in operation.path:
                    self._by_shape.setdefault(_shape(operation.path), []).append((operation, path))
                else:
                    self._static[operation.path] = path
            path.add(operation)

    def find(self, path: str) -> Path | None:
        """What stands at a canonical path, or None."""
        found = self._static.get(path)
        if found is not None:
            return found
        area, resource, length = _shape(path)
        for shape in ((area, resource, length), (area, "", length)):
            for operation, candidate in self._by_shape.get(shape, ()):
                if operation.pattern.match(path):
                    return candidate
        return None


def _shape(path: str) -> tuple[str, str, int]:
    """Area and resource (`partner`, `keys` of `/api/partner/v1/keys/…`) and the number of segments."""
    segments = path.split("/")
    resource = segments[4] if len(segments) > 4 else ""
    return segments[2] if len(segments) > 2 else "", "" if resource.startswith("{") else resource, len(segments)
