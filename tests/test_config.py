"""Settings: where they come from, and what is said when one is wrong."""

import pytest
import yaml

from weft.config import Settings, dump_settings, load_settings
from weft.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "weft.yaml"
    path.write_text(text)
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_defaults_without_a_file():
    settings = load_settings(environment={})
    assert settings.api.host == "127.0.0.1"
    assert settings.api.port == 8080
    assert str(settings.data_dir) == "data"
    assert settings.store.data_dir == settings.data_dir


def test_file_in_the_working_directory_is_read(tmp_path):
    write(tmp_path, "api: {port: 9000}")
    assert load_settings(environment={}).api.port == 9000


def test_named_file_wins_over_the_working_directory(tmp_path):
    write(tmp_path, "api: {port: 9000}")
    other = tmp_path / "other.yaml"
    other.write_text("api: {port: 9001}")
    assert load_settings(environment={"WEFT_CONFIG": str(other)}).api.port == 9001
    assert load_settings(other, {}).api.port == 9001


def test_environment_wins_over_the_file(tmp_path):
    path = write(tmp_path, "api: {port: 9000}\ndata_dir: /somewhere")
    settings = load_settings(path, {"WEFT_PORT": "9100", "WEFT_HOST": "::1", "WEFT_DATA_DIR": "/srv/weft"})
    assert (settings.api.port, settings.api.host, str(settings.data_dir)) == (9100, "::1", "/srv/weft")


def test_nested_and_structured_values_from_the_environment():
    environment = {
        "WEFT_API__SESSION_HOURS": "2",
        "WEFT_COLLECT__LISTENERS": "[{port: 9995}]",
        "WEFT_STORE__RETENTION_DAYS__FLOWS": "3",
    }
    settings = load_settings(environment=environment)
    assert settings.api.session_hours == 2
    assert [listener.port for listener in settings.collect.listeners] == [9995]
    assert settings.store.retention_days == {"flows": 3}


def test_other_variables_are_left_alone():
    load_settings(environment={"WEFT_TEST_DATA": "/x", "PATH": "/bin", "HOME__X": "1"})


@pytest.mark.parametrize(
    ("text", "where", "fix"),
    [
        ("api: {prot: 1}", "weft.yaml:1: api.prot", "Did you mean `port`?"),
        ("\n\napii: {}", "weft.yaml:3: apii", "Did you mean `api`?"),
        ("collect:\n  listeners:\n    - port: 1\n    - {port: 2, adress: 127.0.0.1}",
         "weft.yaml:4: collect.listeners.1.adress", "Did you mean `address`?"),
        ("api:\n  port: 99999", "weft.yaml:2: api.port", "TCP port"),
    ],
)  # fmt: skip
def test_error_names_the_line_the_path_and_the_fix(tmp_path, text, where, fix):
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, text), {})
    assert where in caught.value.where
    assert fix in caught.value.fix


def test_unknown_setting_far_from_any_lists_what_is_known(tmp_path):
    with pytest.raises(ConfigError, match="Known here: format, level"):
        load_settings(write(tmp_path, "log: {zzzzzz: 1}"), {})


def test_error_in_a_variable_names_the_variable():
    with pytest.raises(ConfigError) as caught:
        load_settings(environment={"WEFT_PORT": "eighty"})
    assert caught.value.where == "WEFT_PORT: api.port"
    with pytest.raises(ConfigError, match=r"WEFT_API__PROT: api\.prot: there is no such setting"):
        load_settings(environment={"WEFT_API__PROT": "1"})


def test_variable_below_a_plain_value_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no settings of its own"):
        load_settings(write(tmp_path, "api: 3"), {"WEFT_API__PORT": "1"})


@pytest.mark.parametrize("text", ["api: [", "- 1\n- 2", "just words"])
def test_not_a_tree_of_settings(tmp_path, text):
    with pytest.raises(ConfigError):
        load_settings(write(tmp_path, text), {})


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "no.yaml", {})


def test_tls_needs_both_files(tmp_path):
    with pytest.raises(ConfigError, match="belong together"):
        load_settings(write(tmp_path, "api: {tls_key: k.pem}"), {})


def test_dump_can_be_read_back(tmp_path):
    settings = load_settings(environment={"WEFT_API__PORT": "9999"})
    again = load_settings(write(tmp_path, dump_settings(settings)), {})
    assert again == settings


def test_dump_shows_no_secret():
    environment = {"WEFT_STORE__PASSWORD": "hunter2", "WEFT_STORE__STATE_URL": "postgresql://u:hunter2@h/db"}
    text = dump_settings(load_settings(environment=environment))
    assert "hunter2" not in text


def test_error_shows_no_secret():
    with pytest.raises(ConfigError) as caught:
        load_settings(environment={"WEFT_STORE__PASSWORD": "[hunter2, hunter3]"})
    assert "hunter" not in caught.value.message


def test_every_setting_is_documented():
    from weft.configfile import submodel

    def walk(model, path):
        for name, field in model.model_fields.items():
            assert field.description, f"{path}{name} has no docstring"
            nested = submodel(field.annotation)
            if nested:
                walk(nested, f"{path}{name}.")

    walk(Settings, "")


def test_defaults_are_valid_yaml():
    assert yaml.safe_load(dump_settings(Settings()))["api"]["port"] == 8080
