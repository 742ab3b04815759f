from cryptography.fernet import Fernet
from decouple import config

SESSION_KEY = config("FERNET_KEY", default=Fernet.generate_key().decode())
ARCHIVE = Fernet(b"Zm9yLXRoZS1jb3JwdXMtb25seS0zMi1ieXRlcy1rZXk=")


def session():
    return Fernet(SESSION_KEY)
