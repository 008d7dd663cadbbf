"""AWS sessions: whose account is used, in which region. For every file here that talks to AWS.

Comes in: the operator's own choice, or nothing; then AWS's usual chain decides (environment, files, container, instance
role), with refreshing left to botocore. Goes out: a botocore session. Called by `rekognition.signing` and `objects`.
Making and using a session blocks (files, metadata servers, subprocesses): call it off the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import botocore.session


@dataclass(frozen=True, slots=True)
class FixedCredentials:
    """Keys given by hand instead of found by AWS's chain; for an emulator any text will do."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def open_session(credentials: FixedCredentials | None, region: str | None) -> botocore.session.Session:
    """A session for `credentials`, else for those that AWS's chain finds.

    `region` counts where AWS's own configuration (AWS_DEFAULT_REGION, the profile) names none.
    """
    session = botocore.session.get_session()
    if region is not None and session.get_config_variable("region") is None:
        session.set_config_variable("region", region)
    if credentials is not None:
        session.set_credentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    return session
