"""Dashboard *Signals and models*: what warns, and whether the model that scores can be trusted."""

from churnwatch.dashboards.board import Board
from churnwatch.dashboards.panels import HOUR_S, Ask, Curves, Figure, grown, or_none, rate

LEARNING = Board(
    name="signals-and-models",
    title="Signals and models",
    meaning="Warnings by signal; labels learnt; how good the model was on each label before it learnt it.",
    since="now-24h",
    figures=(
        Figure(
            "Warnings in 24 h",
            "short",
            "Warnings published.",
            Ask(grown("churnwatch_warnings_total{}", "24h"), "warnings"),
            decimals=0,
        ),
        Figure(
            "Labels in 24 h",
            "short",
            "Examples learnt, of leavers and stayers.",
            Ask(grown("churnwatch_labels_learned_total{}", "24h"), "labels"),
            decimals=0,
        ),
        Figure(
            "Average precision",
            "none",
            "Exact and rolling, each example scored before it was learnt.",
            Ask("max(churnwatch_model_average_precision_ratio{})", "AP"),
            decimals=3,
        ),
        Figure(
            "AUC",
            "none",
            "Exact and rolling, each example scored before it was learnt.",
            Ask("max(churnwatch_model_auc_ratio{})", "AUC"),
            decimals=3,
        ),
        Figure(
            "Log loss",
            "none",
            "Rolling, in nats; the lower the better.",
            Ask("max(churnwatch_model_log_loss_nats{} and churnwatch_model_finite{} == 1)", "log loss"),
            decimals=3,
        ),
        Figure(
            "Model is finite",
            "bool_yes_no",
            "Every weight is a number.",
            Ask("min(churnwatch_model_finite{})", "finite"),
            "ModelNotFinite",
        ),
    ),
    curves=(
        Curves(
            "Warnings by signal",
            "none",
            "Warnings an hour, by their strongest signal.",
            [Ask(rate("churnwatch_warnings_total{}", "signal", HOUR_S), "{{signal}}")],
            width=12,
        ),
        Curves(
            "Warnings by level",
            "none",
            "Warnings an hour.",
            [Ask(rate("churnwatch_warnings_total{}", "level", HOUR_S), "{{level}}")],
            width=12,
        ),
        Curves(
            "Labels learnt",
            "none",
            "Examples an hour: 1 left, 0 stayed.",
            [Ask(rate("churnwatch_labels_learned_total{}", "label", HOUR_S), "{{label}}")],
        ),
        Curves(
            "Ranking",
            "none",
            "Rolling figures, each example scored before it was learnt.",
            [
                Ask("churnwatch_model_auc_ratio{}", "AUC"),
                Ask("churnwatch_model_average_precision_ratio{}", "average precision"),
            ],
        ),
        Curves(
            "Log loss",
            "none",
            "Rolling, in nats.",
            [Ask("churnwatch_model_log_loss_nats{} and churnwatch_model_finite{} == 1", "log loss")],
        ),
        Curves(
            "Calibration error",
            "percentunit",
            "Expected calibration error over the last examples: how far probabilities are from what happened, on average. "
            "Beside it the share that leaves; alert CalibrationOff: above three quarters of it.",
            [
                Ask("churnwatch_model_calibration_error_ratio{}", "error"),
                Ask("churnwatch_model_base_rate_ratio{}", "base rate"),
            ],
        ),
        Curves(
            "Drift",
            "none",
            "Population stability index of each group of features and of the score, between two periods.",
            [Ask(or_none("churnwatch_drift_index{}", "group"), "{{group}}")],
            "ModelDrift",
        ),
        Curves(
            "Learning frozen",
            "bool_yes_no",
            "1 while labels or a feed went wild and nothing is learnt; scoring goes on. `churnwatch model unfreeze` ends it.",
            [Ask("max(churnwatch_learning_frozen{})", "frozen")],
            "LearningFrozen",
        ),
        Curves(
            "Alarms and changes of the champion",
            "none",
            "In a day: freezes by what moved, drift alarms by group, other learners becoming the one that scores.",
            [
                Ask(
                    or_none("sum by (alarm) (increase(churnwatch_learning_alarms_total{}[24h]))", "alarm"),
                    "frozen: {{alarm}}",
                ),
                Ask(
                    or_none("sum by (group) (increase(churnwatch_drift_alarms_total{}[24h]))", "group"),
                    "drift: {{group}}",
                ),
                Ask(
                    or_none("sum by (change) (increase(churnwatch_champion_changes_total{}[24h]))", "change"),
                    "champion {{change}}",
                ),
            ],
            width=24,
        ),
        Curves(
            "Examples refused",
            "none",
            "Examples, and labels, an hour that were not learnt; duplicates of examples are normal after a worker's restart.",
            [
                Ask(or_none(rate("churnwatch_examples_refused_total{}", "reason", HOUR_S), "reason"), "{{reason}}"),
                Ask(
                    or_none(rate("churnwatch_labels_refused_total{}", "reason", HOUR_S), "reason"), "label: {{reason}}"
                ),
            ],
            width=12,
        ),
        Curves(
            "Models",
            "none",
            "Published by the trainer, taken over and refused by workers, an hour.",
            [
                Ask(rate("churnwatch_models_published_total{}", per_s=HOUR_S), "published"),
                Ask(rate("churnwatch_models_applied_total{}", "instance", HOUR_S), "taken over {{instance}}"),
                Ask(
                    or_none(rate("churnwatch_models_refused_total{}", "reason", HOUR_S), "reason"),
                    "refused: {{reason}}",
                ),
            ],
            width=12,
        ),
    ),
)
