"""Numbers and names that everything shares."""

REDIS_PORT = 6379
BROKER_DB = 0
RESULT_DB = 1

DAY = 24 * 60 * 60
KEEP_RESULTS = 550 * DAY  # the auditors come every eighteen months

QUEUES = ("picking", "packing", "shipping")
