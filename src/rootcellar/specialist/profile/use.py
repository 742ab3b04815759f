"""The use: a place in the project's code where a task is sent, or a result is waited for, read or looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rootcellar.specialist.profile.place import Place
from rootcellar.specialist.profile.value import Value


@dataclass(frozen=True, slots=True)
class Use:
    """One use of tasks or results.

    ``kind`` is one of

    - ``send``: ``delay``, ``apply_async``, ``send_task`` or calling a signature;
    - ``get``, ``join`` (also ``join_native``, ``collect``, ``iterate``): waits for a result;
    - ``read``: ``.result``, ``.info``, ``.state``, ``.status``, ``.ready()``, ``.successful()``, ``.failed()``,
      ``.traceback``, ``.children``: looks at it without waiting; ``attribute`` says which;
    - ``extended``: ``.args``, ``.kwargs``, ``.name``, ``.worker``, ``.queue``, ``.retries`` of a result;
    - ``lookup``: ``AsyncResult(id)``, ``GroupResult.restore(id)``;
    - ``chord``: a chord, also a group piped into a task; ``group``: a group;
    - ``forget``: ``.forget()``;
    - ``poll``: a loop that asks ``.ready()``, ``.state``, ``.status`` again and again;
    - ``then``: ``.then(callback)``;
    - ``allow_join``: ``allow_join_result()``, or ``disable_sync_subtasks=False`` given to a get.

    Only what surely, by the data flow inside the function or module, concerns a Celery result.
    """

    kind: str
    place: Place
    #: the method or attribute: ``get``, ``join``, ``state`` …
    attribute: str = ""
    #: names of the tasks concerned, where they can be told; for a chord, those of its header
    tasks: tuple[str, ...] = ()
    #: the function it stands in, dotted, or empty at module level
    function: str = ""
    #: the name of the task it stands in, if that function is one
    inside_task: str = ""
    is_in_coroutine: bool = False
    is_in_loop: bool = False
    #: in a module that imports a web framework, or a Django view
    is_in_web: bool = False
    #: in a test, by the file's path
    is_in_test: bool = False
    #: behind a condition that tells that the result is there: ``if r.ready():``
    is_ready: bool = False
    #: what identifies the result within its function: the variable's name; empty if it has none
    variable: str = ""
    #: keyword arguments (``timeout`` also when it is positional), by name
    arguments: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Called:
    """A call or assignment of interest to a rule, by the full dotted name of what is called or assigned.

    ``kombu.serialization.register``, ``cryptography.fernet.Fernet``, ``redis.Redis``; for ``app.backend = x`` the name
    is ``celery.Celery.backend=``.
    """

    name: str
    place: Place
    args: tuple[Value, ...] = ()
    kwargs: Mapping[str, Value] = field(default_factory=dict)
    #: the variable, attribute or setting that the call's value is assigned to; empty if there is none
    assigned_to: str = ""
    function: str = ""
