"""The profile: what was discovered about a project. Plain frozen data; reading files is done elsewhere."""

from rootcellar.specialist.profile.app import App, BeatEntry, Setting
from rootcellar.specialist.profile.env_file import EnvFile, Variable
from rootcellar.specialist.profile.package import Package
from rootcellar.specialist.profile.place import Place
from rootcellar.specialist.profile.profile import CeleryVersion, Profile, Unread
from rootcellar.specialist.profile.service import Port, Process, Server
from rootcellar.specialist.profile.task import Returned, Task
from rootcellar.specialist.profile.use import Called, Use
from rootcellar.specialist.profile.value import Call, Ref, Unknown, Value

__all__ = [
    "App",
    "BeatEntry",
    "Call",
    "Called",
    "CeleryVersion",
    "EnvFile",
    "Package",
    "Place",
    "Port",
    "Process",
    "Profile",
    "Ref",
    "Returned",
    "Server",
    "Setting",
    "Task",
    "Unknown",
    "Unread",
    "Use",
    "Value",
    "Variable",
]
