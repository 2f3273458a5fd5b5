"""What the service counts of itself, for GET /metrics; docs/metrics.md says what each number means.

work --Metrics--> Ledger --every tenth of a second--> files that all workers share --exposition--> text
"""

from service.metrics.exposition import CONTENT_TYPE as CONTENT_TYPE
from service.metrics.exposition import Health as Health
from service.metrics.metrics import Metrics as Metrics
