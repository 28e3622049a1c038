"""Which package on PyPI brings which module: the well-known ones whose two names differ, and what they bring along."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cloudctl_modal.stdlib import words

if TYPE_CHECKING:
    from collections.abc import Iterable

# Import name: packages that bring it, the likeliest first.
_PROVIDERS_TEXT = """
apscheduler: APScheduler
attr: attrs
azure.identity: azure-identity
azure.storage.blob: azure-storage-blob
babel: Babel
bio: biopython
bs4: beautifulsoup4
bson: pymongo
community: python-louvain
crypto: pycryptodome pycrypto
cryptodome: pycryptodomex
cv2: opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless
dateutil: python-dateutil
decouple: python-decouple
dns: dnspython
docx: python-docx
dotenv: python-dotenv
editor: python-editor
engineio: python-engineio
faiss: faiss-cpu faiss-gpu faiss-gpu-cu12
ffmpeg: ffmpeg-python
fitz: PyMuPDF
flask: Flask
flask_cors: Flask-Cors
flask_sqlalchemy: Flask-SQLAlchemy
git: GitPython
github: PyGithub
gitlab: python-gitlab
google.ai.generativelanguage: google-ai-generativelanguage
google.api_core: google-api-core
google.auth: google-auth
google.cloud.aiplatform: google-cloud-aiplatform
google.cloud.bigquery: google-cloud-bigquery
google.cloud.firestore: google-cloud-firestore
google.cloud.logging: google-cloud-logging
google.cloud.pubsub: google-cloud-pubsub
google.cloud.pubsub_v1: google-cloud-pubsub
google.cloud.secretmanager: google-cloud-secret-manager
google.cloud.speech: google-cloud-speech
google.cloud.storage: google-cloud-storage
google.cloud.tasks_v2: google-cloud-tasks
google.cloud.vision: google-cloud-vision
google.genai: google-genai
google.generativeai: google-generativeai
google.oauth2: google-auth
google.protobuf: protobuf
googleapiclient: google-api-python-client
grpc: grpcio
grpc_status: grpcio-status
grpc_tools: grpcio-tools
haystack: haystack-ai farm-haystack
imblearn: imbalanced-learn
jinja2: Jinja2
jose: python-jose
jwt: PyJWT
kafka: kafka-python kafka-python-ng
ldap: python-ldap
levenshtein: Levenshtein python-Levenshtein
lightning_fabric: lightning lightning-fabric
llama_cpp: llama-cpp-python
llama_index: llama-index llama-index-core
magic: python-magic python-magic-bin
markdown: Markdown
markupsafe: MarkupSafe
mpl_toolkits: matplotlib
mysqldb: mysqlclient
nacl: PyNaCl
objc: pyobjc-core
odf: odfpy
opengl: PyOpenGL
openssl: pyOpenSSL
osgeo: GDAL
paddle: paddlepaddle paddlepaddle-gpu
paho: paho-mqtt
pkg_resources: setuptools
pil: pillow pillow-simd
pptx: python-pptx
prometheus_client: prometheus-client
psycopg2: psycopg2-binary psycopg2
pwiz: peewee
pydantic_core: pydantic-core pydantic
pylab: matplotlib
pymupdf: PyMuPDF
pypdf2: PyPDF2
pythoncom: pywin32
pytorch_lightning: pytorch-lightning lightning
pywintypes: pywin32
rest_framework: djangorestframework
ruamel.yaml: ruamel.yaml
sentence_transformers: sentence-transformers
serial: pyserial
setuptools: setuptools
shapefile: pyshp
skimage: scikit-image
sklearn: scikit-learn
skopt: scikit-optimize
slack: slackclient
slack_bolt: slack-bolt
slack_sdk: slack-sdk
slugify: python-slugify
snowflake.connector: snowflake-connector-python
socketio: python-socketio
socks: PySocks
soundfile: soundfile PySoundFile
speech_recognition: SpeechRecognition
sqlalchemy: SQLAlchemy
talib: TA-Lib
telegram: python-telegram-bot
tensorflow: tensorflow tensorflow-cpu tensorflow-gpu
tree_sitter: tree-sitter
umap: umap-learn
usb: pyusb
uwsgidecorators: uWSGI
vertexai: google-cloud-aiplatform
webdriver_manager: webdriver-manager
websocket: websocket-client
werkzeug: Werkzeug
whisper: openai-whisper
win32api: pywin32
win32com: pywin32
xdist: pytest-xdist
yaml: PyYAML
zmq: pyzmq
asynchat: pyasynchat standard-asynchat
asyncore: pyasyncore standard-asyncore
audioop: audioop-lts
cgi: legacy-cgi standard-cgi
cgitb: legacy-cgi standard-cgitb
crypt: legacycrypt crypt-r
distutils: setuptools
imghdr: standard-imghdr
nntplib: standard-nntplib
pipes: standard-pipes
telnetlib: standard-telnetlib
tomllib: tomli
"""

# Well-known packages that are imported by the name under which they are installed.
_PLAIN = words(
    "accelerate aiobotocore aiofiles aiohttp altair anthropic anyio arrow asyncpg bokeh boto3 botocore catboost cbor2 "
    "celery certifi chardet charset_normalizer chromadb click cohere colorama cryptography dash dask datasets "
    "diffusers django docker duckdb einops fastapi feedparser filelock fsspec gensim geopandas gradio grpclib "
    "gunicorn h5py httpx huggingface_hub humanize idna imageio instructor jax joblib jsonschema keras langchain "
    "librosa lightgbm litellm loguru lxml matplotlib mlflow modal mpmath networkx nltk numba numpy onnx onnxruntime "
    "openai openpyxl optuna orjson paramiko pandas peft pendulum plotly polars psutil psycopg pyarrow pydantic "
    "pydantic_settings pydub pygments pymongo pymysql pypdf pyproj pytest pytz qdrant_client redis regex replicate "
    "requests rich ruff safetensors scipy scrapy seaborn selenium sentencepiece sentry_sdk shapely simplejson six "
    "sounddevice spacy statsmodels streamlit stripe sympy synchronicity tabulate tenacity tiktoken tokenizers toml "
    "tomli torch torchaudio torchvision tornado tqdm transformers trl twilio typer typing_extensions ujson "
    "ultralytics urllib3 uvicorn vllm wandb watchfiles weaviate websockets wheel xgboost yarl"
)

# What well-known packages bring along. Anything else is worth a line of its own in the requirements.
_BRINGS_TEXT = """
accelerate: numpy torch huggingface-hub safetensors packaging psutil PyYAML
aiohttp: yarl multidict attrs aiosignal frozenlist
anthropic: httpx pydantic anyio typing-extensions
boto3: botocore s3transfer
botocore: python-dateutil urllib3 jmespath
celery: kombu click
cryptography: cffi
datasets: numpy pandas pyarrow requests tqdm huggingface-hub fsspec PyYAML filelock dill
diffusers: numpy pillow requests huggingface-hub safetensors regex filelock
fastapi: starlette pydantic typing-extensions
flask: Werkzeug Jinja2 click itsdangerous MarkupSafe
geopandas: pandas numpy shapely pyproj
google-cloud-aiplatform: google-cloud-storage google-cloud-bigquery google-auth google-api-core protobuf
google-cloud-bigquery: google-auth google-api-core
google-cloud-storage: google-auth google-api-core requests
google-genai: google-auth httpx pydantic
gradio: fastapi numpy pandas pillow httpx pydantic uvicorn huggingface-hub
httpx: httpcore anyio certifi idna
huggingface-hub: requests tqdm PyYAML filelock fsspec typing-extensions packaging
jax: numpy scipy jaxlib
jinja2: MarkupSafe
keras: numpy h5py
langchain: langchain-core pydantic PyYAML requests SQLAlchemy
langchain-core: pydantic PyYAML tenacity
librosa: numpy scipy scikit-learn joblib numba soundfile
lightgbm: numpy scipy
lightning: torch numpy PyYAML tqdm pytorch-lightning
matplotlib: numpy pillow python-dateutil cycler kiwisolver packaging pyparsing
openai: httpx pydantic anyio tqdm typing-extensions
openai-whisper: torch numpy numba tqdm tiktoken
opencv-contrib-python: numpy
opencv-python: numpy
opencv-python-headless: numpy
pandas: numpy python-dateutil pytz
plotly: packaging
pydantic: pydantic-core typing-extensions annotated-types
pydantic-settings: pydantic python-dotenv
pytest: pluggy iniconfig packaging
python-dateutil: six
python-telegram-bot: httpx
requests: urllib3 certifi idna charset-normalizer
rich: Pygments markdown-it-py
scikit-image: numpy scipy pillow networkx imageio
scikit-learn: numpy scipy joblib threadpoolctl
scipy: numpy
seaborn: matplotlib pandas numpy
sentence-transformers: transformers torch numpy scikit-learn scipy huggingface-hub tqdm pillow
shapely: numpy
spacy: numpy pydantic requests tqdm typer Jinja2 thinc
sqlalchemy: greenlet typing-extensions
starlette: anyio
statsmodels: numpy scipy pandas patsy
streamlit: pandas numpy pillow requests altair pyarrow tornado toml protobuf
sympy: mpmath
tensorflow: numpy protobuf h5py keras grpcio requests
torch: numpy sympy networkx Jinja2 filelock fsspec typing-extensions mpmath
torchaudio: torch
torchvision: torch numpy pillow
transformers: numpy tokenizers huggingface-hub safetensors tqdm regex requests PyYAML filelock packaging
typer: click rich
ultralytics: torch torchvision numpy opencv-python pillow matplotlib pandas scipy PyYAML requests psutil
uvicorn: click h11
vllm: torch transformers numpy fastapi pydantic openai
xgboost: numpy scipy
"""


def canonical(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _table(text: str) -> dict[str, tuple[str, ...]]:
    lines = (line.partition(": ") for line in text.strip().splitlines())
    return {key: tuple(values.split()) for key, _, values in lines}


_PROVIDERS = _table(_PROVIDERS_TEXT)
_BRINGS = {key: tuple(map(canonical, values)) for key, values in _table(_BRINGS_TEXT).items()}


def _prefixes(module: str) -> list[str]:
    """``a.b.c``, ``a.b``, ``a``."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def is_well_known(module: str) -> bool:
    """Whether the module's top-level name is that of a package that many use."""
    top = module.split(".")[0]
    return top in _PLAIN or top.lower() in _PROVIDERS or top in ("google", "azure", "ruamel", "snowflake")


def likely_distribution(module: str) -> str:
    """The package that brings the module, as it is written on PyPI; with no better knowledge, of the same name."""
    for name in _prefixes(module):
        providers = _PROVIDERS.get(name.lower())
        if providers:
            return providers[0]
    parts = module.split(".")
    if parts[0] in ("google", "azure") and len(parts) > 2:
        return "-".join(parts[:3]).replace("_", "-")
    return parts[0].replace("_", "-")


def with_what_they_bring(names: Iterable[str]) -> frozenset[str]:
    """Canonical names of packages, and of those that the well-known ones among them bring along."""
    found: set[str] = set()
    waiting = [canonical(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _BRINGS.get(name, ())
    return frozenset(found)


def brings(installed: frozenset[str], module: str) -> bool:
    """Whether one of the packages (canonical names) brings the module. In doubt, yes."""
    for name in _prefixes(module):
        providers = _PROVIDERS.get(name.lower(), ())
        if any(canonical(provider) in installed for provider in providers):
            return True
        plain = canonical(name)
        if installed & {plain, f"python-{plain}", f"py{plain}", f"py-{plain}", f"{plain}-python", f"{plain}-py"}:
            return True
        if any(
            name.startswith(f"{plain}-") and name.endswith(("-cpu", "-gpu", "-binary", "-headless"))
            for name in installed
        ):
            return True
    top = module.split(".")[0]
    # A namespace that many packages share: some name of its own for each, and no rule for it.
    return (
        top in ("google", "azure", "ruamel", "opentelemetry", "airflow", "zope")
        and "." not in module
        and any(name.startswith(f"{top}-") for name in installed)
    )
