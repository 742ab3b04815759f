import os

broker_url = os.environ["BROKER_URL"]

# peer authentication
result_backend = "db+postgresql://billing@127.0.0.1/billing"
result_expires = 604_800_000  # a week
database_table_names = {"task": "billing_results", "group": "billing_groups"}

task_acks_late = True
