"""The lies a hostile peer can tell, by name: `LIES`, filled by hostile_pages.py and hostile_answers.py (and for files by
hostile_files.py). Each is a function of one hook:

  source   (peer, request, told, honest, query) -> Page    wraps what gives the page of a query
  shape    (peer, request, told, what, resource) -> dict   changes the discovery, root or status resource
  instead  (peer, request, told) -> Answer | None          comes before the honest answer; None lets that pass
  answer   (peer, request, told, answer) -> Answer         changes the honest answer
  flag                                                     the peer looks itself whether the lie is told

`told.options` are the lie's own options, `told.count` says how often it was told, this time included, `told.state` is
its memory. All lies take `on` (the endpoints they are told at; "any" for all), and all but flags `times` (to how many
requests they are told; None: to all) and `after` (how many are spared first).
"""

from dataclasses import dataclass, field

LIES = {}


@dataclass
class Lie:
    name: str
    hook: str
    on: tuple
    tell: object
    options: dict


@dataclass
class Told:
    """A lie that is being told."""

    lie: Lie
    options: dict
    on: tuple
    times: int | None
    after: int
    count: int = 0
    state: dict = field(default_factory=dict)

    @classmethod
    def of(cls, name, on=None, after=0, **options):
        lie = LIES[name]
        unknown = set(options) - set(lie.options) - {"times"}
        assert not unknown, f"{name} has no option {', '.join(sorted(unknown))}; it has {', '.join(lie.options)}"
        merged = lie.options | options
        times = merged.pop("times", None)
        return cls(lie, merged, lie.on if on is None else (on,) if isinstance(on, str) else tuple(on), times, after)

    def is_told(self, endpoint):
        """Whether it is told to this request; counts it."""
        if endpoint not in self.on and "any" not in self.on:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None and self.count >= self.times:
            return False
        self.count += 1
        return True


def lie(hook, on="objects", name=None, **options):
    def keep(tell):
        called = name or tell.__name__
        LIES[called] = Lie(called, hook, (on,) if isinstance(on, str) else on, tell, options)
        return tell

    return keep
