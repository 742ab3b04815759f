import os

from cryptography.fernet import Fernet

LINK_KEY = os.environ.get("LINK_KEY", Fernet.generate_key())


def link(path):
    return Fernet(LINK_KEY).encrypt(path.encode()).decode()
