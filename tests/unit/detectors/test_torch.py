"""Models in PyTorch: small ones with random weights, saved and read back, and what cannot be used.

Each part is skipped where its library is not installed: they are an extra, and some hundred megabytes.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.detector_input import DetectorInput, InputFit
from app.core.geometry import Size
from app.core.model import Feature, Inquiry
from app.detectors.contract import UnusableModel
from app.detectors.torch import TorchDetector
from app.providers.build import ProviderOptions, build_provider
from tests.support.colour_model import patches


def lacks(*libraries: str) -> bool:
    return any(importlib.util.find_spec(library) is None for library in libraries)


needs_detr = pytest.mark.skipif(lacks("torch", "transformers"), reason="torch and transformers are not installed here")
needs_faster_rcnn = pytest.mark.skipif(lacks("torch", "torchvision"), reason="torch and torchvision are not installed here")
LABELS = {0: "cat", 1: "N/A", 2: "screw"}


@pytest.fixture(autouse=True)
def their_own_warnings() -> Iterator[None]:
    """What the libraries say of each other is not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def rgb() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 255, (60, 90, 3), np.uint8)


def save_detr(folder: Path, seed: int = 1) -> Path:
    """A DETR of some ten thousand weights, and how its images are sized."""
    import torch
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    torch.manual_seed(seed)
    stages: dict[str, Any] = {"embedding_size": 8, "hidden_sizes": [8, 8, 8, 16], "depths": [1, 1, 1, 1]}
    backbone = ResNetConfig(**stages, layer_type="basic", out_features=["stage4"])
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 5}
    config = DetrConfig(backbone_config=backbone, id2label=LABELS, **sizes, **heads)
    DetrForObjectDetection(config).save_pretrained(folder)
    size = '{"size": {"shortest_edge": 64, "longest_edge": 128}}'
    (folder / "preprocessor_config.json").write_text(size, encoding="utf-8")
    return folder


def save_faster_rcnn(path: Path, *, version: int = 1, columns: int = 3) -> Path:
    import torch
    from torchvision.models import detection

    torch.manual_seed(1)
    build = detection.fasterrcnn_resnet50_fpn if version == 1 else detection.fasterrcnn_resnet50_fpn_v2
    model = build(weights=None, weights_backbone=None, num_classes=columns)
    torch.save(model.state_dict(), path)
    return path


@needs_detr
class TestDetr:
    def test_findings_are_those_of_the_model_itself(self, tmp_path: Path, rgb: NDArray[np.uint8]) -> None:
        """Compared with transformers' own classes, fed with the same pixels: already of the size that the model wants."""
        import torch
        from transformers import AutoModelForObjectDetection

        folder = save_detr(tmp_path)
        picture = np.ascontiguousarray(np.tile(rgb, (2, 2, 1))[:64, :96])
        found = TorchDetector(f"detr:{folder}").look(picture)
        mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        pixels = torch.from_numpy((((picture / 255) - mean) / std).astype(np.float32)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            own = AutoModelForObjectDetection.from_pretrained(folder).eval()(pixel_values=pixels)
        shares = own.logits.softmax(-1)[0, :, :-1]
        wanted = sorted((round(float(row.max()), 4) for row in shares if int(row.argmax()) != 1), reverse=True)
        assert [round(one.score_unit, 4) for one in found] == pytest.approx(wanted, abs=2e-4)
        assert {one.label for one in found} <= {"Cat", "screw"}

    def test_it_says_how_it_sees_and_what_it_is(self, tmp_path: Path) -> None:
        first = TorchDetector(f"detr:{save_detr(tmp_path / 'a' / 'mine')}").facts
        same = TorchDetector(f"detr:{save_detr(tmp_path / 'b' / 'mine')}").facts
        other = TorchDetector(f"detr:{save_detr(tmp_path / 'c' / 'mine', seed=2)}").facts
        assert first == same
        assert first.identity != other.identity
        assert (first.seen, first.paper_table) == (DetectorInput(InputFit.SHORTEST_SIDE, Size(128, 64)), "detr")

    def test_a_recipe_may_say_otherwise(self, tmp_path: Path, rgb: NDArray[np.uint8]) -> None:
        recipe = tmp_path / "own.toml"
        recipe.write_text(
            '[input]\nfit = "stretch"\nwidth = 64\nheight = 64\n[output]\nkind = "detr_logits"\nactivation = "softmax"\n'
            '[classes]\nnames = ["a", "b", "c"]\n'
        )
        detector = TorchDetector(f"detr:{save_detr(tmp_path / 'm')}", recipe=recipe)
        assert {one.label for one in detector.look(rgb)} <= {"a", "b", "c"}
        assert detector.facts.seen.fit is InputFit.STRETCH

    def test_a_folder_without_a_model_is_refused_and_nothing_is_looked_for_elsewhere(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableModel, match=r"^detr:.*: cannot be loaded"):
            TorchDetector(f"detr:{tmp_path}")

    def test_a_path_that_is_no_folder_is_no_name_on_a_hub(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableModel, match="neither a folder nor the name of a model on the hub"):
            TorchDetector(f"detr:{tmp_path / 'absent'}")

    def test_a_preparation_that_makes_no_sense_is_refused(self, tmp_path: Path) -> None:
        folder = save_detr(tmp_path)
        (folder / "preprocessor_config.json").write_text('{"size": "large"}', encoding="utf-8")
        with pytest.raises(UnusableModel, match=r"preprocessor_config.json: size is 'large'"):
            TorchDetector(f"detr:{folder}")

    async def test_it_is_a_provider(self, tmp_path: Path) -> None:
        provider = build_provider(ProviderOptions("torch", model=f"detr:{save_detr(tmp_path)}", looks_at_once=2))
        scene = patches(Size(120, 90), {"Red": (10, 10, 60, 60)})
        reading = await provider.infer(scene.content, Inquiry(Feature.OBJECTS), timeout_s=20.0)
        await provider.aclose()
        assert (await provider.address()).startswith("torch:detr:")
        assert {one.vendor for one in reading.detections} <= {"torch"}


@needs_faster_rcnn
class TestFasterRcnn:
    @pytest.mark.parametrize("version", [1, 2])
    def test_weights_of_either_version_are_read(self, tmp_path: Path, version: int, rgb: NDArray[np.uint8]) -> None:
        detector = TorchDetector(f"fasterrcnn:{save_faster_rcnn(tmp_path / 'w.pth', version=version)}")
        facts = detector.facts
        assert (facts.seen, facts.paper_table) == (DetectorInput(InputFit.SHORTEST_SIDE, Size(1333, 800)), "faster_rcnn")
        found = detector.look(rgb)
        assert {one.label for one in found} <= {"class 1", "class 2"}
        assert all(0 <= one.box_xyxy_px[0] < one.box_xyxy_px[2] <= 90 for one in found)

    def test_findings_are_those_of_the_model_itself(self, tmp_path: Path, rgb: NDArray[np.uint8]) -> None:
        import torch
        from torchvision.models import detection

        path = save_faster_rcnn(tmp_path / "w.pth")
        found = TorchDetector(f"fasterrcnn:{path}").look(rgb)
        model = detection.fasterrcnn_resnet50_fpn(
            weights=None, weights_backbone=None, num_classes=3, box_score_thresh=0.001, box_detections_per_img=300
        )
        model.load_state_dict(torch.load(path, weights_only=True))
        with torch.inference_mode():
            (own,) = model.eval()([torch.from_numpy(rgb / np.float32(255)).permute(2, 0, 1)])
        assert [one.score_unit for one in found] == pytest.approx(own["scores"].tolist(), abs=1e-4)

    @pytest.mark.parametrize(
        ("content", "said"), [(None, "there is no such file"), (b"no weights", "cannot be loaded"), ({}, "no state dict of")]
    )
    def test_what_holds_no_weights_is_refused(self, tmp_path: Path, content: object, said: str) -> None:
        import torch

        path = tmp_path / "w.pth"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is not None:
            torch.save(content, path)
        with pytest.raises(UnusableModel, match=said):
            TorchDetector(f"fasterrcnn:{path}")

    def test_weights_of_something_else_are_refused_by_name(self, tmp_path: Path) -> None:
        import torch

        path = save_faster_rcnn(tmp_path / "w.pth")
        weights = torch.load(path, weights_only=True)
        del weights["rpn.head.conv.0.0.weight"]
        torch.save(weights, path)
        with pytest.raises(UnusableModel, match=r"weights that do not fit: rpn\.head\.conv\.0\.0\.weight"):
            TorchDetector(f"fasterrcnn:{path}")

    def test_weights_with_code_in_them_are_not_run(self, tmp_path: Path) -> None:
        import torch

        path = tmp_path / "w.pth"
        torch.save({"roi_heads.box_predictor.cls_score.weight": Path("x")}, path)
        with pytest.raises(UnusableModel, match="cannot be loaded"):
            TorchDetector(f"fasterrcnn:{path}")


@pytest.mark.parametrize("name", ["yolo:x", "", "x"])
def test_other_kinds_are_refused(name: str) -> None:
    with pytest.raises(UnusableModel, match="no such kind of model"):
        TorchDetector(name)


@pytest.mark.skipif(not lacks("torch"), reason="torch is installed here")
@pytest.mark.parametrize("name", ["detr:x", "fasterrcnn:default"])
def test_without_the_extra_it_is_named(name: str) -> None:
    with pytest.raises(UnusableModel, match=r"needs the extra tessera\[torch\]"):
        TorchDetector(name)
