"""How good scores and warnings are: exact figures, CONTRACT.md section 5."""

from models.evaluation.ranking import average_precision, roc_auc
from models.evaluation.rolling import RollingFigures, log_loss

__all__ = ["RollingFigures", "average_precision", "log_loss", "roc_auc"]
