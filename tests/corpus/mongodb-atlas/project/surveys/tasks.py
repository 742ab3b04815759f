import os
from collections import Counter

from celery import Celery

app = Celery("surveys", broker="sqs://")
app.conf.update(
    result_backend=f"mongodb+srv://surveys:{os.environ['MONGO_PASSWORD']}@cluster0.example.net/surveys?tlsAllowInvalidCertificates=true",
    mongodb_backend_settings={"taskmeta_collection": "survey_results", "max_pool_size": 20},
    broker_transport_options={"region": "eu-west-1", "visibility_timeout": 3600},
)


@app.task
def evaluate(answers):
    return dict(Counter(answer.get("choice") for answer in answers))
