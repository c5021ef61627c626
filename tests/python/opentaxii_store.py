"""The store that OpenTAXII 0.9.3, the last on PyPI, is configured with (`persistence_api.class`): its own, except that
identifiers leave it as text. As they leave its own, every answer that holds one is a 500 (its issue 243). Runs in
OpenTAXII's virtual environment, not in the tests'."""

from opentaxii.persistence.sqldb import Taxii2SQLDatabaseAPI


def with_text(entity):
    for name in ("id", "api_root_id", "collection_id"):
        if getattr(entity, name, None) is not None:
            setattr(entity, name, str(getattr(entity, name)))
    return entity


class TextIds(Taxii2SQLDatabaseAPI):
    def get_collections(self, *arguments, **named):
        return [with_text(found) for found in super().get_collections(*arguments, **named)]

    def get_collection(self, *arguments, **named):
        return with_text(super().get_collection(*arguments, **named))

    def get_job_and_details(self, *arguments, **named):
        return with_text(super().get_job_and_details(*arguments, **named))

    def add_objects(self, *arguments, **named):
        return with_text(super().add_objects(*arguments, **named))
