"""Everything that changes datasets, examples, evaluators and evaluations."""

from signoff.evaluations.actions.cancel import cancel_evaluation
from signoff.evaluations.actions.datasets import archive_dataset, change_dataset, create_dataset
from signoff.evaluations.actions.evaluators import add_evaluator, change_evaluator, delete_evaluator
from signoff.evaluations.actions.examples import (
    NewExample,
    add_example,
    add_examples,
    add_run_as_example,
    change_example,
    remove_example,
)
from signoff.evaluations.actions.request import BEGIN, request_evaluation
from signoff.evaluations.actions.schedule import due_datasets, evaluate_by_itself, set_schedule

__all__ = [
    "BEGIN",
    "NewExample",
    "add_evaluator",
    "add_example",
    "add_examples",
    "add_run_as_example",
    "archive_dataset",
    "cancel_evaluation",
    "change_dataset",
    "change_evaluator",
    "change_example",
    "create_dataset",
    "delete_evaluator",
    "due_datasets",
    "evaluate_by_itself",
    "remove_example",
    "request_evaluation",
    "set_schedule",
]
