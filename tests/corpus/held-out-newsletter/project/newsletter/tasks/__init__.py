from newsletter.tasks.lists import clean_list
from newsletter.tasks.sending import send, send_all

__all__ = ["clean_list", "send", "send_all"]
