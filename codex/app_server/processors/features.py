"""`experimentalFeature/list`: features that can be switched, and whether they are on."""

from codex.app_server.api.config import (
    ExperimentalFeature,
    ExperimentalFeatureListParams,
    ExperimentalFeatureListResponse,
    ExperimentalFeatureStage,
)
from codex.app_server.desk import Desk
from codex.app_server.offsets import page
from codex.config.feature_list import default_features, list_features

_STAGES: dict[str, ExperimentalFeatureStage] = {
    "under development": "underDevelopment",
    "experimental": "beta",
    "stable": "stable",
    "deprecated": "deprecated",
    "removed": "removed",
}


async def list_all(desk: Desk, params: ExperimentalFeatureListParams) -> ExperimentalFeatureListResponse:
    """All features by their names. Cancelled, nothing happened."""
    config = await desk.server.load_config()
    defaults = default_features()
    features = [
        ExperimentalFeature(name=name, stage=_STAGES[stage], enabled=on, default_enabled=defaults[name])
        for name, stage, on in list_features(config)
    ]
    data, following = page(features, cursor=params.cursor, limit=params.limit, what="feature flags")
    return ExperimentalFeatureListResponse(data=data, next_cursor=following)


HANDLERS = {"experimentalFeature/list": list_all}
