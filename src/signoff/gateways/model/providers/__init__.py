"""Model providers, by the name in front of the model: `openai:…`, `anthropic:…`, `google:…`, and the operator's own.

The only place besides connectors that speaks to the network. No client retries by itself: the retry policy does.
"""

from __future__ import annotations

from signoff.gateways.model.providers.naming import ModelName, parse, problem_with
from signoff.gateways.model.providers.registry import Providers, model_for
from signoff.gateways.model.providers.scripted import forget_script, register_script

__all__ = ["ModelName", "Providers", "forget_script", "model_for", "parse", "problem_with", "register_script"]
