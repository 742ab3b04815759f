"""The doctor: runs the checks, static and live, that bear on a symptom, and says which one explains it.

It changes nothing. Test values it stores have ids that begin with ``rootcellar-test-`` and are deleted; the workers are
asked what ``celery inspect`` asks.
"""

from rootcellar.specialist.doctor.diagnosing import diagnose
from rootcellar.specialist.doctor.diagnosis import Cause, Diagnosis, Looked, Outcome, Proof
from rootcellar.specialist.doctor.symptoms import SYMPTOMS, Symptom, symptom

__all__ = ["SYMPTOMS", "Cause", "Diagnosis", "Looked", "Outcome", "Proof", "Symptom", "diagnose", "symptom"]
