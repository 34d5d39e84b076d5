"""Settings: `config/churnwatch.toml`, then the file named by CHURNWATCH_CONFIG, then environment variables.

An environment variable is `CHURNWATCH_<SECTION>__<KEY>`, for example `CHURNWATCH_CONSOLE__PORT=8080`. Two names that
every operator knows are taken as well: `KAFKA_BOOTSTRAP` and `REDIS_URL`. A key's description here is its line in
`docs/operations/settings.md`, which `python -m churnwatch.settings_document --write` renews.
"""

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from alerts.accounts.roles import StaffRole
from churnwatch.settings_sources import SettingsError, load

__all__ = ["CONFIG_DIR", "DEFAULT_FILE", "Section", "Settings", "SettingsError", "read_settings", "settings"]

CONFIG_DIR = Path(__file__).resolve().parent.parent / "config"
DEFAULT_FILE = CONFIG_DIR / "churnwatch.toml"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _unset(value: object) -> object:
    """TOML and the environment have no null: an empty text stands for a path that is not set."""
    return None if value == "" else value


OptionalPath = Annotated[Path | None, BeforeValidator(_unset)]


class KafkaSettings(Section):
    """Where the broker is, and how patient we are with it."""

    bootstrap: str = Field("", description="HOST:PORT of the brokers, comma separated; empty: no broker configured")
    topic_prefix: str = Field("churn", pattern=r"^[a-z][a-z0-9-]*$", description="topics are PREFIX.cdr and so on")
    partitions: int = Field(8, ge=1, le=1024, description="of each input stream; fixed once data has flowed")
    replication: int = Field(1, ge=1, le=9, description="copies of each topic that we create")
    connect_timeout_s: float = Field(30.0, gt=0, description="how long to try before giving up with exit code 1")
    session_timeout_s: float = Field(15.0, ge=1, description="a worker silent for so long loses its partitions")
    heartbeat_s: float = Field(3.0, gt=0, description="how often a worker tells the broker that it lives")
    fetch_bytes: int = Field(1_048_576, ge=1024, description="most that a worker fetches of a partition at once")


class RedisSettings(Section):
    """Where the inbox, the directory of customers and the outbound queue are."""

    url: str = Field("", description="redis://HOST:PORT/DATABASE; empty: no Redis configured")
    connect_timeout_s: float = Field(30.0, gt=0, description="how long to try before giving up with exit code 1")


class MetricsSettings(Section):
    """Where a process serves /metrics; see docs/metrics.md."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, ge=0, le=65535, description="0: each process takes its default port")


class EngineSettings(Section):
    """What the engine decides by; see config/policies/signals.toml for the signals themselves."""

    tick_s: int = Field(3600, ge=60, le=86_400, description="stream time between two soft decisions; divides 86400")
    horizon_days: int = Field(30, ge=1, le=365, description="a score is the probability of churn within so many days")
    idle_ms: int = Field(200, ge=1, description="how long a caught-up input is waited for before the others go on")
    merge_buffer_records: int = Field(200_000, ge=1000, description="records that may wait for slower inputs")
    max_record_bytes: int = Field(1_000_000, ge=1000, description="a longer record is refused")
    retention_days: int = Field(90, ge=1, description="a record older than this when it is received is refused")
    future_tolerance_s: int = Field(86_400, ge=0, description="a record dated further ahead of its receipt is refused")
    clock_tolerance_s: int = Field(
        86_400,
        ge=0,
        description="a receipt dated further ahead of its arrival in Kafka is refused, since it moves time",
    )
    page_lines: int = Field(512, ge=16, le=65_536, description="lines whose state is written together")
    commit_interval_s: float = Field(10.0, ge=0.5, description="between two commits; a crash replays no more than this")

    @field_validator("tick_s")
    @classmethod
    def _meets_midnight(cls, tick_s: int) -> int:
        if 86_400 % tick_s:
            raise ValueError("must divide 86400, or no tick would meet midnight")
        return tick_s


class WorkerSettings(Section):
    """One worker process; run as many as there are partitions."""

    id: str = Field("churnwatch", description="name of the consumer group, and of the changelog topics")
    data_dir: Path = Field(Path("var/worker"), description="where the state store keeps its files; one folder a worker")
    dead_letter_share_max: float = Field(0.5, gt=0, le=1, description="a worker that refuses more than this stops")
    stall_timeout_s: float = Field(
        300.0, gt=0, description="a worker that is behind and gets no further for so long stops"
    )
    feed_silence_s: float = Field(900.0, gt=0, description="no call record for so long by the wall clock is reported")
    scores_dir: OptionalPath = Field(
        None, description="write the daily lists here as JSON lines, a file a partition; empty: nowhere"
    )
    dead_letter_window_records: int = Field(20_000, ge=100, description="records over which that share is taken")


class LearningSettings(Section):
    """When the trainer publishes, and what is kept to learn from."""

    publish_every_labels: int = Field(500, ge=1, description="publish after so many labels")
    publish_every_s: float = Field(10.0, gt=0, description="or after so long, when there are any")
    minimum_positives: int = Field(
        30,
        ge=1,
        description="churners learnt before a first model that learns is published; a sixth of them before the prior's level is",
    )
    snapshot_every_days: int = Field(7, ge=1, description="how often a line's features are kept as an example")
    treated_weight: float = Field(
        0.5, ge=0, le=1, description="what an example counts for after a retention contact; 0: it ends there"
    )
    contestants: list[str] = Field(
        ["prior", "blend"],
        description="who learns side by side, the first begins as champion: prior, blend, logistic, forest",
    )
    promotion_labels: int = Field(4000, ge=500, description="labels on which a challenger must have been better")
    promotion_margin: float = Field(0.02, ge=0, lt=1, description="by how large a part its log loss must be lower")


class TasksSettings(Section):
    """From warning to task; the rules themselves are in config/policies/tasks.toml."""

    clock: Literal["wall", "stream"] = Field("wall", description="what due times go by; stream: demo and backtest")
    batch_records: int = Field(1000, ge=1, le=100_000, description="warnings taken at once")
    holdout_public: float = Field(
        0.02,
        ge=0,
        lt=1,
        description="share of public accounts left alone at random, so that the effect of acting shows",
    )
    holdout_business: float = Field(0.02, ge=0, lt=1, description="the same of business accounts")
    holdout_key_account: float = Field(0.0, ge=0, lt=1, description="the same of key accounts; shipped as none")
    sweep_every_s: float = Field(1.0, gt=0, description="how often recovered tasks are closed and due calls queued")


class LawSettings(Section):
    """Which country's law decides what may be used and done; the packs are in config/countries."""

    country: str = Field("cn", pattern=r"^[A-Za-z]{2}$", description="whose law pack: cn, eu, in, uk, us")
    holidays: str = Field("", description="calendar of working days, as CN or DE-BY; empty: the pack's own")


class DialerSettings(Section):
    """How the outbound queue reaches a telephone system; see docs/dialers.md. Secrets are read from files."""

    url: str = Field("", description="of VICIdial's non_agent_api.php, or of the webhook's receiver")
    secret_file: OptionalPath = Field(None, description="shared with webhooks, both ways; empty: no webhook is taken")
    user: str = Field("", description="of VICIdial's API")
    list_id: int = Field(999, ge=100, le=999_999_999_999, description="VICIdial's list that calls are put on")
    codes: str = Field("vicidial", pattern=r"^[a-z0-9-]{1,40}$", description="its table of codes in config/dialers")
    folder: Path = Field(Path("var/calls"), description="of the CSV drop: out, answers, done")
    patience_h: float = Field(24.0, gt=0, le=168, description="a call whose end nobody tells within this is lost")


class NotifySettings(Section):
    """Messages to owners of tasks; see docs/notifications.md. Addresses hold secrets and are read from a file."""

    contacts_file: OptionalPath = Field(None, description="owners and their addresses; empty: nobody is told anything")
    link: str = Field("http://127.0.0.1:8350", description="the console's address, as owners reach it")


class ConsoleSettings(Section):
    """The web console."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8350, ge=0, le=65535, description="0: a free one")
    names: list[str] = Field([], description="names under which browsers reach it, beside this machine's own")
    language: Literal["zh", "en"] = Field("en", description="of the pages, where a person has chosen none")


class OidcSettings(Section):
    """Signing in by the company's own provider (OpenID Connect); see docs/accounts.md. The secret is read from a file."""

    issuer: str = Field("", description="the provider's issuer address, https://...; empty: people sign in by password")
    client_id: str = Field("", description="of this console, as registered there")
    client_secret_file: OptionalPath = Field(None, description="empty: a public client, which PKCE alone guards")
    public_url: str = Field(
        "", description="the console's address for browsers; back to PUBLIC_URL/sign-in/provider/back"
    )
    name: str = Field("SSO", min_length=1, max_length=40, description="what the button on the sign-in page says")
    scopes: list[str] = Field(["openid", "profile"], description="what is asked for; openid must be among them")
    login_claim: str = Field("preferred_username", description="the ID token's claim that becomes the login, with @sso")
    name_claim: str = Field("name", description="claim shown as the person's name")
    roles_claim: str = Field("groups", description="claim whose values `roles` are looked up by")
    roles: dict[str, StaffRole] = Field({}, description="value of that claim to role here; without one nobody comes in")
    inbox_claim: str = Field("", description="claim with a manager's code; empty: managers cannot come in this way")
    inboxes: dict[str, str] = Field({}, description="value of that claim to code; empty: the value is the code")
    algorithms: list[Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]] = Field(
        ["RS256", "ES256"], min_length=1, description="signatures that are taken"
    )
    ca_file: OptionalPath = Field(None, description="PEM file of authorities to trust; empty: the system's")
    timeout_s: float = Field(5.0, gt=0, le=30, description="how long the provider is waited for, each time")


class PrivacySettings(Section):
    """The secret for pseudonyms is read from a file, never from this configuration."""

    key_file: Path = Field(Path("var/pseudonym.key"), description="made on first use; keep it: it is what maps numbers")
    key_id: str = Field("k1", description="written into each pseudonym, so that keys can be changed")
    vault_key_file: Path = Field(
        Path("var/vault.key"), description="seals numbers and tokens; made on first use; without it they are lost"
    )
    vault_key_id: str = Field("v1", description="written into each sealed record, so that keys can be changed")
    vault_older_keys: dict[str, Path] = Field(
        {}, description="id of an earlier vault key to its file; opens, never seals"
    )
    vault_days: float = Field(180.0, ge=1, description="a number that no ingest has brought for so long is deleted")


class IngestSettings(Section):
    """Reading files into Kafka."""

    state_dir: Path = Field(Path("var/ingest"), description="how far each file has been sent")
    default_timezone: str = Field("UTC", description="IANA name; of formats whose times carry no zone")
    checkpoint_s: float = Field(1.0, ge=0.05, description="between two notes of how far we are; a kill repeats no more")


class NumbersSettings(Section):
    """How telephone numbers are written here and whose they are; for native formats, see docs/ingest.md."""

    country_code: str = Field("", pattern=r"^\d{0,3}$", description="our own, as 86 or 49; empty: spellings stay apart")
    international_prefix: str = Field("00", description="dialled before a foreign country code")
    national_prefix: str = Field("0", description="dialled before an area code; empty: none")
    extension_digits_max: int = Field(5, ge=0, le=8, description="up to so many digits are an extension of ours")
    own_prefixes: list[str] = Field([], description="our numbers, as +4930123; empty: told from channels and codes")
    own_hotlines: list[str] = Field([], description="our own service numbers, as 10086")
    operators: dict[str, str] = Field({}, description="prefix to an operator's code, or fixed; the longest one wins")
    competitor_hotlines: dict[str, str] = Field({}, description="a rival's service number to its operator's code")
    trunks: dict[str, str] = Field({}, description="a trunk group's name to the operator behind it")
    routing_numbers: dict[str, str] = Field({}, description="prefix of a ported number's routing number to an operator")
    own_networks: list[str] = Field([], description="our PLMN ids, as 46000; empty: what roams is not known")
    address_strings: Literal["digits", "tbcd"] = Field("digits", description="how decoded 3GPP records write numbers")
    accountcode: Literal["account", "number", "ignore"] = Field(
        "account", description="what the account columns of Asterisk, FreeSWITCH and CGRateS hold"
    )


class Settings(BaseSettings):
    """All sections. `Settings()` is the defaults alone; `settings()` is what files and environment say."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    metrics: MetricsSettings = MetricsSettings()
    engine: EngineSettings = EngineSettings()
    worker: WorkerSettings = WorkerSettings()
    learning: LearningSettings = LearningSettings()
    tasks: TasksSettings = TasksSettings()
    law: LawSettings = LawSettings()
    console: ConsoleSettings = ConsoleSettings()
    oidc: OidcSettings = OidcSettings()
    dialer: DialerSettings = DialerSettings()
    notify: NotifySettings = NotifySettings()
    privacy: PrivacySettings = PrivacySettings()
    ingest: IngestSettings = IngestSettings()
    numbers: NumbersSettings = NumbersSettings()

    def topic(self, name: str) -> str:
        """Full topic name.

        >>> Settings().topic("cdr")
        'churn.cdr'
        """
        return f"{self.kafka.topic_prefix}.{name}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing is read behind the caller's back: `read_settings` asks the sources itself, to name them in errors."""
        return (init_settings,)


def read_settings(files: Sequence[Path] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Merge files and environment into checked settings.

    Args:
        files: TOML files, later ones win; None: the shipped file, then the one that CHURNWATCH_CONFIG names.
        environ: environment variables; None: the process's own.

    Raises:
        SettingsError: an unknown key, a wrong value, an unreadable file; the message says which and what is allowed.
    """
    env = os.environ if environ is None else environ
    return load(Settings, _default_files(env) if files is None else files, env)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return read_settings()


def _default_files(env: Mapping[str, str]) -> list[Path]:
    files = [DEFAULT_FILE] if DEFAULT_FILE.exists() else []
    return [*files, Path(env["CHURNWATCH_CONFIG"])] if env.get("CHURNWATCH_CONFIG") else files
