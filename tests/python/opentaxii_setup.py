"""Makes accounts, an API root and collections with OpenTAXII's own interfaces, as its commands do one by one and thus
slowly. Reads what to make as JSON, and says the identifiers as JSON. Runs in OpenTAXII's virtual environment."""

import json
import sys

from opentaxii.cli import app


def main():
    wanted = json.load(sys.stdin)
    with app.app_context():
        accounts = app.taxii_server.auth.api
        for user, password, is_admin in wanted["accounts"]:
            account = accounts.create_account(user, password)
            account.is_admin = is_admin  # create_account takes this too, and forgets it.
            accounts.update_account(account)
        store = app.taxii_server.servers.taxii2.persistence.api
        root = store.add_api_root(title="Exchange", default=True)
        made = {
            alias: str(store.add_collection(root.id, f"To {alias}", alias=alias, is_public=can_read, is_public_write=can_write).id)
            for alias, can_read, can_write in wanted["collections"]
        }
    json.dump({"api_root": str(root.id), "collections": made}, sys.stdout)


if __name__ == "__main__":
    main()
