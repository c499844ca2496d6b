"""What the token does for each method id: what must be there first, and the rest."""

from . import model_close, model_create, model_key, model_user
from .model import nothing, open_key, open_session

HANDLERS = {
    2: (nothing, model_create.create_session),
    3: (open_session, model_close.close),
    8: (open_session, model_create.create_puk_policy),
    9: (open_session, model_create.create_pin_policy),
    10: (open_session, model_create.create_key_entry),
    12: (open_key, model_key.set_certificate_path),
    13: (open_key, model_key.import_symmetric_key),
    14: (open_key, model_key.import_private_key),
    15: (open_key, model_key.add_extension),
    24: (nothing, model_create.create_session_2010),
    50: (open_session, model_close.post(model_close.DELETE)),
    51: (open_session, model_close.post(model_close.UNLOCK)),
    52: (open_key, model_close.post(model_close.UPDATE)),
    53: (open_key, model_close.post(model_close.CLONE)),
    82: (model_user.closed_key, model_user.unlock_key),
    83: (model_user.closed_key, model_user.change_pin),
    84: (model_user.closed_key, model_user.set_pin),
    100: (model_user.closed_key, model_user.sign_hashed_data),
}
