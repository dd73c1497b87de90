"""A class for each model. Written by generate.py out of the library's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ._arguments import Int
from ._base import Detector


class EGBAD(Detector):
    """EGBAD: an encoder learned together with the generator, and a score that uses both.

    Zenati, Foo, Lecouat, Manek, Chandrasekhar, *Efficient GAN-Based Anomaly Detection*, ICLR 2018
    workshop (arXiv 1802.06222). Authors' code: houssamzenati/Efficient-GAN-Anomaly-Detection, folder
    `bigan/`. The losses and the step are BiGAN's (Donahue et al. 2017) and stand here; `bigan` is this
    method without D's score. The residual term is that of Di Mattia et al., *A Survey on GANs for
    Anomaly Detection* (arXiv 1906.11632), section 3.

    Parameters
    ----------
    latent : int, from 1 to 65536
        Length of z. Default: 32 for tables, 200 for images.
    dropout : float, from 0 up to, not including, 1
        Dropout in D while training. Default: 0.2 for tables, 0.5 for images.
    spectral_norm : bool
        Divides every weight of D by its largest singular value, in place of batch norm (Miyato et
        al. 2018): for trainings in which `d_real` stays near 1 and `d_fake` near 0. Default: `True`
        for tables, `False` for images.
    generator_loss : str, one of `cross-entropy`, `feature-matching`
        What G minimises. Default: `cross-entropy`.
    residual_weight : float, 0 or more
        Weight of the survey's term mean |x − G(E(x))| in E's loss; 0 is the paper, 1 the survey.
        Default: 5.0 for tables, 10.0 for images.
    residual_trains : str, one of `encoder`, `encoder-and-generator`
        Whose weights that term trains. Default: `encoder-and-generator` for tables, `encoder` for
        images.
    reduction : str, one of `mean`, `sum`
        How norms are taken in the score. Default: `mean`.
    networks : mapping
        Shapes of E, G and D. What is left out is as recommended.
        * ``width``, from 1 to 65536: For images: channels of E's first convolution; they double
          with every halving of the side, at most thrice. Tables have none. Default: not set for
          tables, 24 for images.
        * ``encoder``, numbers from 1 to 65536: E's dense layers before z. Default: `[64]` for
          tables, `[]` for images.
        * ``generator``, numbers from 1 to 65536: G's dense layers after z. Default: `[64, 128]` for
          tables, `[512]` for images.
        * ``discriminator_x``, numbers from 1 to 65536: Dense layers of D's branch for x. Default:
          `[128]` for tables, `[]` for images.
        * ``discriminator_z``, numbers from 1 to 65536: Those of its branch for z. Default: `[128]`
          for tables, `[256]` for images.
        * ``discriminator_joint``, numbers from 1 to 65536: Those after the branches meet; the last
          is the feature layer f. Default: `[128]` for tables, `[512]` for images.
    training : mapping
        First weights, optimisers, moving average. What is left out is as recommended.
        * ``init``, one of `{"init": "normal", "sd": …}`, `{"init": "xavier"}`: First weights.
        * ``adam``: The optimiser of each network. Keys:
          * ``learning_rate``, a number above 0: Step size at the start of training. Default:
            0.0002.
          * ``beta1``, from 0 up to, not including, 1: Decay of the first moment. Default: 0.5.
          * ``beta2``, from 0 up to, not including, 1: Decay of the second moment. Default: 0.999.
          * ``clip``, a number above 0: Longest gradient of a loss, over all parameters that it
            trains together; longer ones are scaled down to it. Unlimited if absent. Default: not
            set.
        * ``ema``, from 0 up to, not including, 1: Decay of the weights' moving average, which
          scores; 0 scores with the weights themselves. Default: 0.999.
    epochs : int, at least 1
        Passes over the training samples, at most. Default: by model and data.
    batch_size : int, at least 1
        Samples per update. Fewer samples than this make one batch; otherwise the samples left over
        at the end of an epoch wait for the next one. Default: 256 for tables, 64 for images.
    schedule : str, one of `constant`, `cosine`
        How the learning rate moves. Default: `cosine`.
    choice : str, one of `last`, `held-out`
        Which epoch's networks become the model. Default: `held-out`.
    patience : int, at least 1
        Stop when this many epochs have gone by without one whose first score part is smaller, on
        average, over held-out normals, whichever epoch is chosen. Never if absent. Default: not
        set.
    members : int, from 1 to 100
        Networks that train side by side from different first weights, of whose scores the model's
        are the mean; 1 for baselines, which have none. Default: by model and data.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    augmentation : mapping
        Changes to training images. For tables there are none. What is left out is as recommended.
        * ``flip_horizontal``: Left and right change sides in every other image. Default: not set
          for tables, `False` for images.
        * ``flip_vertical``: Top and bottom change sides in every other image. Default: not set for
          tables, `False` for images.
        * ``shift``, 0 or more: Pixels, at most, by which an image moves along each axis. Default:
          not set for tables, 0 for images.
        * ``rotation``, from 0 to 45: Degrees, at most, by which it turns to either side. Default:
          not set for tables, 0.0 for images.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `bounded`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "egbad"
    _model_settings = (
        "latent",
        "dropout",
        "spectral_norm",
        "generator_loss",
        "residual_weight",
        "residual_trains",
        "reduction",
        "networks",
        "training",
    )

    def __init__(
        self,
        *,
        latent: Int | None = None,
        dropout: float | None = None,
        spectral_norm: bool | None = None,
        generator_loss: str | None = None,
        residual_weight: float | None = None,
        residual_trains: str | None = None,
        reduction: str | None = None,
        networks: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        epochs: Int | None = None,
        batch_size: Int | None = None,
        schedule: str | None = None,
        choice: str | None = None,
        patience: Int | None = None,
        members: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.latent = latent
        self.dropout = dropout
        self.spectral_norm = spectral_norm
        self.generator_loss = generator_loss
        self.residual_weight = residual_weight
        self.residual_trains = residual_trains
        self.reduction = reduction
        self.networks = networks
        self.training = training
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.choice = choice
        self.patience = patience
        self.members = members
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.augmentation = augmentation
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class BiGAN(Detector):
    """BiGAN: EGBAD's training without the survey's residual term, and a score without D.

    Donahue, Krähenbühl, Darrell, *Adversarial Feature Learning*, ICLR 2017 (arXiv 1605.09782). The
    paper offers no anomaly score; what it learns, an encoder beside the generator, gives the residual
    |x − G(E(x))|, and D takes no part in scoring. Losses, step, networks and settings are `Egbad`'s.

    Parameters
    ----------
    latent : int, from 1 to 65536
        Length of z. Default: 32 for tables, 200 for images.
    dropout : float, from 0 up to, not including, 1
        Dropout in D while training. Default: 0.2 for tables, 0.5 for images.
    spectral_norm : bool
        Divides every weight of D by its largest singular value, in place of batch norm (Miyato et
        al. 2018): for trainings in which `d_real` stays near 1 and `d_fake` near 0. Default:
        `False`.
    generator_loss : str, one of `cross-entropy`, `feature-matching`
        What G minimises. Default: `cross-entropy`.
    residual_weight : float, 0 or more
        Weight of the survey's term mean |x − G(E(x))| in E's loss; 0 is the paper, 1 the survey.
        Default: 0.0.
    residual_trains : str, one of `encoder`, `encoder-and-generator`
        Whose weights that term trains. Default: `encoder-and-generator` for tables, `encoder` for
        images.
    reduction : str, one of `mean`, `sum`
        How norms are taken in the score. Default: `mean`.
    networks : mapping
        Shapes of E, G and D. What is left out is as recommended.
        * ``width``, from 1 to 65536: For images: channels of E's first convolution; they double
          with every halving of the side, at most thrice. Tables have none. Default: not set for
          tables, 24 for images.
        * ``encoder``, numbers from 1 to 65536: E's dense layers before z. Default: `[64]` for
          tables, `[]` for images.
        * ``generator``, numbers from 1 to 65536: G's dense layers after z. Default: `[64, 128]` for
          tables, `[512]` for images.
        * ``discriminator_x``, numbers from 1 to 65536: Dense layers of D's branch for x. Default:
          `[128]` for tables, `[]` for images.
        * ``discriminator_z``, numbers from 1 to 65536: Those of its branch for z. Default: `[128]`
          for tables, `[256]` for images.
        * ``discriminator_joint``, numbers from 1 to 65536: Those after the branches meet; the last
          is the feature layer f. Default: `[128]` for tables, `[512]` for images.
    training : mapping
        First weights, optimisers, moving average. What is left out is as recommended.
        * ``init``, one of `{"init": "normal", "sd": …}`, `{"init": "xavier"}`: First weights.
        * ``adam``: The optimiser of each network. Keys:
          * ``learning_rate``, a number above 0: Step size at the start of training. Default:
            0.0002.
          * ``beta1``, from 0 up to, not including, 1: Decay of the first moment. Default: 0.5.
          * ``beta2``, from 0 up to, not including, 1: Decay of the second moment. Default: 0.999.
          * ``clip``, a number above 0: Longest gradient of a loss, over all parameters that it
            trains together; longer ones are scaled down to it. Unlimited if absent. Default: not
            set.
        * ``ema``, from 0 up to, not including, 1: Decay of the weights' moving average, which
          scores; 0 scores with the weights themselves. Default: 0.999.
    epochs : int, at least 1
        Passes over the training samples, at most. Default: by model and data.
    batch_size : int, at least 1
        Samples per update. Fewer samples than this make one batch; otherwise the samples left over
        at the end of an epoch wait for the next one. Default: 256 for tables, 64 for images.
    schedule : str, one of `constant`, `cosine`
        How the learning rate moves. Default: `cosine`.
    choice : str, one of `last`, `held-out`
        Which epoch's networks become the model. Default: `held-out`.
    patience : int, at least 1
        Stop when this many epochs have gone by without one whose first score part is smaller, on
        average, over held-out normals, whichever epoch is chosen. Never if absent. Default: not
        set.
    members : int, from 1 to 100
        Networks that train side by side from different first weights, of whose scores the model's
        are the mean; 1 for baselines, which have none. Default: by model and data.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    augmentation : mapping
        Changes to training images. For tables there are none. What is left out is as recommended.
        * ``flip_horizontal``: Left and right change sides in every other image. Default: not set
          for tables, `False` for images.
        * ``flip_vertical``: Top and bottom change sides in every other image. Default: not set for
          tables, `False` for images.
        * ``shift``, 0 or more: Pixels, at most, by which an image moves along each axis. Default:
          not set for tables, 0 for images.
        * ``rotation``, from 0 to 45: Degrees, at most, by which it turns to either side. Default:
          not set for tables, 0.0 for images.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `bounded`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "bigan"
    _model_settings = (
        "latent",
        "dropout",
        "spectral_norm",
        "generator_loss",
        "residual_weight",
        "residual_trains",
        "reduction",
        "networks",
        "training",
    )

    def __init__(
        self,
        *,
        latent: Int | None = None,
        dropout: float | None = None,
        spectral_norm: bool | None = None,
        generator_loss: str | None = None,
        residual_weight: float | None = None,
        residual_trains: str | None = None,
        reduction: str | None = None,
        networks: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        epochs: Int | None = None,
        batch_size: Int | None = None,
        schedule: str | None = None,
        choice: str | None = None,
        patience: Int | None = None,
        members: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.latent = latent
        self.dropout = dropout
        self.spectral_norm = spectral_norm
        self.generator_loss = generator_loss
        self.residual_weight = residual_weight
        self.residual_trains = residual_trains
        self.reduction = reduction
        self.networks = networks
        self.training = training
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.choice = choice
        self.patience = patience
        self.members = members
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.augmentation = augmentation
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class AnoGAN(Detector):
    """AnoGAN: how near a generator of normal samples can come to a query.

    Schlegl, Seeböck, Waldstein, Schmidt-Erfurth, Langs, *Unsupervised Anomaly Detection with Generative
    Adversarial Networks to Guide Marker Discovery*, IPMI 2017 (arXiv 1703.05921). The authors published
    no code. Networks, optimisers and the search's schedule are those of the AnoGAN baseline in
    houssamzenati/Efficient-GAN-Anomaly-Detection, folder `gan/` (Zenati et al., arXiv 1802.06222).
    Training is DCGAN's: Radford, Metz, Chintala (arXiv 1511.06434).

    Parameters
    ----------
    latent : int, from 1 to 65536
        Length of z. Default: 32 for tables, 64 for images.
    dropout : float, from 0 up to, not including, 1
        Dropout in D's dense layers while training. Default: 0.2 for tables, 0.0 for images.
    spectral_norm : bool
        Divides every weight of D by its largest singular value, in place of batch norm (Miyato et
        al. 2018), so that G has a slope to follow where D tells x and G(z) apart. Default: `True`
        for tables, `False` for images.
    reduction : str, one of `mean`, `sum`
        How norms are taken in the search and in the score. Default: `mean`.
    networks : mapping
        What the networks are made of. What is left out is as recommended.
        * ``width``, from 1 to 65536: For images: channels of the level next to the image, one level
          for every halving of the side until it is odd or below 8; they double with depth, up to
          eight times. Tables have none. Default: not set for tables, 32 for images.
        * ``generator``, numbers from 1 to 65536: Widths of G's dense layers after z. Default: `[64,
          128]` for tables, `[512]` for images.
        * ``discriminator``, numbers from 1 to 65536: Widths of D's dense layers; the last is the
          feature layer f. Default: `[256, 128, 128]` for tables, `[512]` for images.
    search : mapping
        How z* is looked for. What is left out is as recommended.
        * ``lambda``, from 0 to 1: Weight of the discrimination loss: the paper's λ. Default: 0.1.
        * ``discrimination``, one of `feature-matching`, `cross-entropy`: What is meant by the
          discrimination loss. Default: `feature-matching`.
        * ``start``, one of `random`, `encoder`: Where a search begins.
        * ``restarts``, at least 1: Starting points per query, at most 1,000; the best result
          counts. Default: 1.
        * ``descent``: How z moves; its steps are the paper's Γ. Keys:
          * ``steps``: Steps at most. None leaves the points where they are. Default: 10 for tables,
            500 for images.
          * ``rates``: Learning rates, in the order in which they apply. Keys:
            * ``from``: The first step that it applies to, counted from 0. Default: not set.
            * ``learning_rate``, a number above 0: Step size. Default: not set.
          * ``plateau``: When a sample stops before the last step. Never if absent. Keys:
            * ``patience``, at least 1: Steps without progress. Default: 30.
            * ``tolerance``, from 0 up to, not including, 1: The relative fall of the loss that
              counts as progress. Default: 0.01.
        * ``seed``: The run's seed, which decides the starting points together with the query's
          content. Default: not set.
    training : mapping
        First weights, optimisers, moving average. What is left out is as recommended.
        * ``init``, one of `{"init": "normal", "sd": …}`, `{"init": "xavier"}`: First weights.
        * ``adam``: The optimiser of each network. Keys:
          * ``learning_rate``, a number above 0: Step size at the start of training. Default:
            0.0002.
          * ``beta1``, from 0 up to, not including, 1: Decay of the first moment. Default: 0.5.
          * ``beta2``, from 0 up to, not including, 1: Decay of the second moment. Default: 0.999.
          * ``clip``, a number above 0: Longest gradient of a loss, over all parameters that it
            trains together; longer ones are scaled down to it. Unlimited if absent. Default: not
            set.
        * ``ema``, from 0 up to, not including, 1: Decay of the weights' moving average, which
          scores; 0 scores with the weights themselves. Default: 0.999.
    epochs : int, at least 1
        Passes over the training samples, at most. Default: by model and data.
    batch_size : int, at least 1
        Samples per update. Fewer samples than this make one batch; otherwise the samples left over
        at the end of an epoch wait for the next one. Default: 256 for tables, 64 for images.
    schedule : str, one of `constant`, `cosine`
        How the learning rate moves. Default: `cosine`.
    choice : str, one of `last`, `held-out`
        Which epoch's networks become the model. Default: `held-out`.
    patience : int, at least 1
        Stop when this many epochs have gone by without one whose first score part is smaller, on
        average, over held-out normals, whichever epoch is chosen. Never if absent. Default: not
        set.
    members : int, from 1 to 100
        Networks that train side by side from different first weights, of whose scores the model's
        are the mean; 1 for baselines, which have none. Default: by model and data.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 1000.
    augmentation : mapping
        Changes to training images. For tables there are none. What is left out is as recommended.
        * ``flip_horizontal``: Left and right change sides in every other image. Default: not set
          for tables, `False` for images.
        * ``flip_vertical``: Top and bottom change sides in every other image. Default: not set for
          tables, `False` for images.
        * ``shift``, 0 or more: Pixels, at most, by which an image moves along each axis. Default:
          not set for tables, 0 for images.
        * ``rotation``, from 0 to 45: Degrees, at most, by which it turns to either side. Default:
          not set for tables, 0.0 for images.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "anogan"
    _model_settings = (
        "latent",
        "dropout",
        "spectral_norm",
        "reduction",
        "networks",
        "search",
        "training",
    )

    def __init__(
        self,
        *,
        latent: Int | None = None,
        dropout: float | None = None,
        spectral_norm: bool | None = None,
        reduction: str | None = None,
        networks: Mapping[str, Any] | None = None,
        search: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        epochs: Int | None = None,
        batch_size: Int | None = None,
        schedule: str | None = None,
        choice: str | None = None,
        patience: Int | None = None,
        members: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.latent = latent
        self.dropout = dropout
        self.spectral_norm = spectral_norm
        self.reduction = reduction
        self.networks = networks
        self.search = search
        self.training = training
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.choice = choice
        self.patience = patience
        self.members = members
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.augmentation = augmentation
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class FAnoGAN(Detector):
    """f-AnoGAN: AnoGAN's question, answered by an encoder in one pass instead of a search.

    Schlegl, Seeböck, Waldstein, Langs, Schmidt-Erfurth, *f-AnoGAN: Fast unsupervised anomaly detection
    with generative adversarial networks*, Medical Image Analysis 54 (2019). Authors' code:
    tSchlegl/f-AnoGAN. Its first stage is WGAN-GP: Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville,
    *Improved Training of Wasserstein GANs*, NeurIPS 2017 (arXiv 1704.00028).

    Parameters
    ----------
    latent : int, from 1 to 65536
        Length of z. Default: 32 for tables, 64 for images.
    gan_share : float, from 0 up to, not including, 1
        The share of all updates that trains G and C; the rest trains E. Default: 0.5.
    critic_steps : int, at least 1
        Updates of C for each of G. Default: 1 for tables, 5 for images.
    penalty : float, 0 or more
        λ: weight of the gradient penalty in C's loss. Default: 10.0.
    kappa : float, 0 or more
        κ: weight of the features in E's loss and in the paper's score. Default: 1.0.
    ziz : float, 0 or more
        Weight of the paper's other scheme, ziz, in E's loss: mean (z − E(G(z)))²; 0 is the paper.
        Default: 1.0.
    encoder_rate : float, a number above 0
        E's learning rate in units of the GAN's. Default: 1.0.
    reach : float, a number above 0
        E(x) lies within ± this. Default: 3.0.
    networks : mapping
        The layers of G, C and E. What is left out is as recommended.
        * ``width``, from 1 to 65536: For images: channels of the level next to the image; they
          double with every halving of the side, at most thrice. Tables have none. Default: not set
          for tables, 32 for images.
        * ``generator``, numbers from 1 to 65536: Widths of G's dense layers after z. Default: `[64,
          128]` for tables, `[]` for images.
        * ``critic``, numbers from 1 to 65536: Widths of C's dense layers, and of E's; the last of
          C's is the feature layer f. Without any, as in the paper, f is C's smallest maps. Default:
          `[128, 128]` for tables, `[]` for images.
    training : mapping
        First weights, optimisers, moving average. What is left out is as recommended.
        * ``init``, one of `{"init": "normal", "sd": …}`, `{"init": "xavier"}`: First weights.
        * ``adam``: The optimiser of each network. Keys:
          * ``learning_rate``, a number above 0: Step size at the start of training. Default:
            0.0005.
          * ``beta1``, from 0 up to, not including, 1: Decay of the first moment. Default: 0.0.
          * ``beta2``, from 0 up to, not including, 1: Decay of the second moment. Default: 0.9.
          * ``clip``, a number above 0: Longest gradient of a loss, over all parameters that it
            trains together; longer ones are scaled down to it. Unlimited if absent. Default: not
            set.
        * ``ema``, from 0 up to, not including, 1: Decay of the weights' moving average, which
          scores; 0 scores with the weights themselves. Default: 0.999.
    epochs : int, at least 1
        Passes over the training samples, at most. Default: by model and data.
    batch_size : int, at least 1
        Samples per update. Fewer samples than this make one batch; otherwise the samples left over
        at the end of an epoch wait for the next one. Default: 256 for tables, 64 for images.
    schedule : str, one of `constant`, `cosine`
        How the learning rate moves. Default: `cosine`.
    choice : str, one of `last`, `held-out`
        Which epoch's networks become the model. Default: `held-out`.
    patience : int, at least 1
        Stop when this many epochs have gone by without one whose first score part is smaller, on
        average, over held-out normals, whichever epoch is chosen. Never if absent. Default: not
        set.
    members : int, from 1 to 100
        Networks that train side by side from different first weights, of whose scores the model's
        are the mean; 1 for baselines, which have none. Default: by model and data.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    augmentation : mapping
        Changes to training images. For tables there are none. What is left out is as recommended.
        * ``flip_horizontal``: Left and right change sides in every other image. Default: not set
          for tables, `False` for images.
        * ``flip_vertical``: Top and bottom change sides in every other image. Default: not set for
          tables, `False` for images.
        * ``shift``, 0 or more: Pixels, at most, by which an image moves along each axis. Default:
          not set for tables, 0 for images.
        * ``rotation``, from 0 to 45: Degrees, at most, by which it turns to either side. Default:
          not set for tables, 0.0 for images.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `bounded`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "fanogan"
    _model_settings = (
        "latent",
        "gan_share",
        "critic_steps",
        "penalty",
        "kappa",
        "ziz",
        "encoder_rate",
        "reach",
        "networks",
        "training",
    )

    def __init__(
        self,
        *,
        latent: Int | None = None,
        gan_share: float | None = None,
        critic_steps: Int | None = None,
        penalty: float | None = None,
        kappa: float | None = None,
        ziz: float | None = None,
        encoder_rate: float | None = None,
        reach: float | None = None,
        networks: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        epochs: Int | None = None,
        batch_size: Int | None = None,
        schedule: str | None = None,
        choice: str | None = None,
        patience: Int | None = None,
        members: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.latent = latent
        self.gan_share = gan_share
        self.critic_steps = critic_steps
        self.penalty = penalty
        self.kappa = kappa
        self.ziz = ziz
        self.encoder_rate = encoder_rate
        self.reach = reach
        self.networks = networks
        self.training = training
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.choice = choice
        self.patience = patience
        self.members = members
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.augmentation = augmentation
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class GANomaly(Detector):
    """GANomaly: an encoder, a decoder and a second encoder, and a score that compares what the two
    encoders say.

    Akcay, Atapour-Abarghouei, Breckon, *GANomaly: Semi-Supervised Anomaly Detection via Adversarial
    Training*, ACCV 2018 (arXiv 1805.06725). Authors' code: samet-akcay/ganomaly.

    Parameters
    ----------
    latent : int, from 1 to 65536
        Length of z. For tables at most a quarter of the features, or half of fewer than 8, so that
        z is a bottleneck there too (ADBench's rule). Default: 16 for tables, 100 for images.
    spectral_norm : bool
        Divides every weight of D by its largest singular value, in place of batch norm (Miyato et
        al. 2018): to be tried where `d_real` stays near 1 and `d_fake` near 0. Default: `False`.
    adversarial_loss : str, one of `feature-matching`, `cross-entropy`
        What G minimises to deceive D. Default: `feature-matching`.
    adversarial_weight : float, 0 or more
        w_adv: weight of that loss in G's. Default: 1.0.
    reconstruction_weight : float, 0 or more
        w_con: weight of mean |x̂ − x| in G's loss. Default: 50.0.
    latent_weight : float, 0 or more
        w_enc: weight of mean (ẑ − z)² in G's loss. Default: 1.0.
    reinitialise_below : float, a number above 0
        D is drawn anew after a step in which its loss was below this: it has won, and G learns
        nothing more from it. The loss `d_reinitialised` is the share of such steps. Never if
        absent. Default: 1e-05.
    latent_norm : str, one of `squared`, `absolute`
        How the part `latent` compares z and ẑ. Default: `squared`.
    networks : mapping
        The layers of all networks. What is left out is as recommended.
        * ``width``, from 1 to 65536: For images, the paper's convolutions: channels after the first
          layer. Each layer halves the side and doubles the channels, down to 4 × 4 pixels. Tables
          have none. Default: not set for tables, 16 for images.
        * ``extra_layers``, from 0 to 64: Further 3 × 3 convolutions at half the image's side; 0 in
          the paper. Default: 0.
        * ``encoder``, numbers from 1 to 65536: For tables: widths of E's and E′'s hidden layers;
          the decoder has them in reverse. Default: `[64, 32]` for tables, `[]` for images.
        * ``discriminator``, numbers from 1 to 65536: For tables: widths of D's hidden layers; the
          last one is the feature layer f. Default: `[64, 32]` for tables, `[]` for images.
    training : mapping
        First weights, optimisers, moving average. What is left out is as recommended.
        * ``init``, one of `{"init": "normal", "sd": …}`, `{"init": "xavier"}`: First weights.
        * ``adam``: The optimiser of each network. Keys:
          * ``learning_rate``, a number above 0: Step size at the start of training. Default:
            0.0002.
          * ``beta1``, from 0 up to, not including, 1: Decay of the first moment. Default: 0.5.
          * ``beta2``, from 0 up to, not including, 1: Decay of the second moment. Default: 0.999.
          * ``clip``, a number above 0: Longest gradient of a loss, over all parameters that it
            trains together; longer ones are scaled down to it. Unlimited if absent. Default: not
            set.
        * ``ema``, from 0 up to, not including, 1: Decay of the weights' moving average, which
          scores; 0 scores with the weights themselves. Default: 0.0.
    epochs : int, at least 1
        Passes over the training samples, at most. Default: by model and data.
    batch_size : int, at least 1
        Samples per update. Fewer samples than this make one batch; otherwise the samples left over
        at the end of an epoch wait for the next one. Default: 256 for tables, 64 for images.
    schedule : str, one of `constant`, `cosine`
        How the learning rate moves. Default: `cosine`.
    choice : str, one of `last`, `held-out`
        Which epoch's networks become the model. Default: `held-out`.
    patience : int, at least 1
        Stop when this many epochs have gone by without one whose first score part is smaller, on
        average, over held-out normals, whichever epoch is chosen. Never if absent. Default: not
        set.
    members : int, from 1 to 100
        Networks that train side by side from different first weights, of whose scores the model's
        are the mean; 1 for baselines, which have none. Default: by model and data.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    augmentation : mapping
        Changes to training images. For tables there are none. What is left out is as recommended.
        * ``flip_horizontal``: Left and right change sides in every other image. Default: not set
          for tables, `False` for images.
        * ``flip_vertical``: Top and bottom change sides in every other image. Default: not set for
          tables, `False` for images.
        * ``shift``, 0 or more: Pixels, at most, by which an image moves along each axis. Default:
          not set for tables, 0 for images.
        * ``rotation``, from 0 to 45: Degrees, at most, by which it turns to either side. Default:
          not set for tables, 0.0 for images.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "ganomaly"
    _model_settings = (
        "latent",
        "spectral_norm",
        "adversarial_loss",
        "adversarial_weight",
        "reconstruction_weight",
        "latent_weight",
        "reinitialise_below",
        "latent_norm",
        "networks",
        "training",
    )

    def __init__(
        self,
        *,
        latent: Int | None = None,
        spectral_norm: bool | None = None,
        adversarial_loss: str | None = None,
        adversarial_weight: float | None = None,
        reconstruction_weight: float | None = None,
        latent_weight: float | None = None,
        reinitialise_below: float | None = None,
        latent_norm: str | None = None,
        networks: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        epochs: Int | None = None,
        batch_size: Int | None = None,
        schedule: str | None = None,
        choice: str | None = None,
        patience: Int | None = None,
        members: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.latent = latent
        self.spectral_norm = spectral_norm
        self.adversarial_loss = adversarial_loss
        self.adversarial_weight = adversarial_weight
        self.reconstruction_weight = reconstruction_weight
        self.latent_weight = latent_weight
        self.reinitialise_below = reinitialise_below
        self.latent_norm = latent_norm
        self.networks = networks
        self.training = training
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.choice = choice
        self.patience = patience
        self.members = members
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.augmentation = augmentation
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class SimpleNet(Detector):
    """SimpleNet: features of normals against the same features with noise.

    Liu, Zhou, Xu, Wang, *SimpleNet: A Simple Network for Image Anomaly Detection and Localization*,
    CVPR 2023 (arXiv 2303.15140). Authors' code: DonaldRR/SimpleNet. The noise that climbs is the global
    half of Chen et al., *A Unified Anomaly Synthesis Strategy with Gradient Ascent*, ECCV 2024 (arXiv
    2407.09359; cqylunlun/GLASS).

    Parameters
    ----------
    noise : float, a number above 0
        σ, the standard deviation of the noise, in units of the features. Default: 0.5.
    margin : float, a number above 0
        m: how far D is to tell normals and noise from 0. Default: 0.5.
    adaptor_rate : float, a number above 0
        A's learning rate in units of D's. Default: 0.5.
    ascent_steps : int
        Steps by which the noise climbs to where D takes it for normal; 0 is the paper. Default: 0.
    ascent : float, a number above 0
        The length of such a step. Default: 0.001.
    hidden : Sequence[int], numbers from 1 to 65536
        The widths of D's hidden layers. Default: `[128]`.
    training : mapping
        First weights, optimisers, moving average. What is left out is as recommended.
        * ``init``, one of `{"init": "normal", "sd": …}`, `{"init": "xavier"}`: First weights.
        * ``adam``: The optimiser of each network. Keys:
          * ``learning_rate``, a number above 0: Step size at the start of training. Default:
            0.0002.
          * ``beta1``, from 0 up to, not including, 1: Decay of the first moment. Default: 0.9.
          * ``beta2``, from 0 up to, not including, 1: Decay of the second moment. Default: 0.999.
          * ``clip``, a number above 0: Longest gradient of a loss, over all parameters that it
            trains together; longer ones are scaled down to it. Unlimited if absent. Default: not
            set.
        * ``ema``, from 0 up to, not including, 1: Decay of the weights' moving average, which
          scores; 0 scores with the weights themselves. Default: 0.999.
    epochs : int, at least 1
        Passes over the training samples, at most. Default: by model and data.
    batch_size : int, at least 1
        Samples per update. Fewer samples than this make one batch; otherwise the samples left over
        at the end of an epoch wait for the next one. Default: 256 for tables, 64 for images.
    schedule : str, one of `constant`, `cosine`
        How the learning rate moves. Default: `cosine`.
    choice : str, one of `last`, `held-out`
        Which epoch's networks become the model. Default: `held-out`.
    patience : int, at least 1
        Stop when this many epochs have gone by without one whose first score part is smaller, on
        average, over held-out normals, whichever epoch is chosen. Never if absent. Default: not
        set.
    members : int, from 1 to 100
        Networks that train side by side from different first weights, of whose scores the model's
        are the mean; 1 for baselines, which have none. Default: by model and data.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False`.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    augmentation : mapping
        Changes to training images. For tables there are none. What is left out is as recommended.
        * ``flip_horizontal``: Left and right change sides in every other image. Default: not set
          for tables, `False` for images.
        * ``flip_vertical``: Top and bottom change sides in every other image. Default: not set for
          tables, `False` for images.
        * ``shift``, 0 or more: Pixels, at most, by which an image moves along each axis. Default:
          not set for tables, 0 for images.
        * ``rotation``, from 0 to 45: Degrees, at most, by which it turns to either side. Default:
          not set for tables, 0.0 for images.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `standard`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "simplenet"
    _model_settings = (
        "noise",
        "margin",
        "adaptor_rate",
        "ascent_steps",
        "ascent",
        "hidden",
        "training",
    )

    def __init__(
        self,
        *,
        noise: float | None = None,
        margin: float | None = None,
        adaptor_rate: float | None = None,
        ascent_steps: Int | None = None,
        ascent: float | None = None,
        hidden: Sequence[Int] | None = None,
        training: Mapping[str, Any] | None = None,
        epochs: Int | None = None,
        batch_size: Int | None = None,
        schedule: str | None = None,
        choice: str | None = None,
        patience: Int | None = None,
        members: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.noise = noise
        self.margin = margin
        self.adaptor_rate = adaptor_rate
        self.ascent_steps = ascent_steps
        self.ascent = ascent
        self.hidden = hidden
        self.training = training
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.choice = choice
        self.patience = patience
        self.members = members
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.augmentation = augmentation
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class VAE(Detector):
    """VAE: a small variational autoencoder, the yardstick that is no adversarial model.

    Kingma, Welling, *Auto-Encoding Variational Bayes*, ICLR 2014 (arXiv 1312.6114).

    Parameters
    ----------
    latent : int, from 1 to 65536
        Length of z. Default: 8 for tables, 20 for images.
    spread : float, a number above 0
        s, the decoder's standard deviation, in units of the features. Default: 0.3.
    relu : bool
        Whether hidden layers are ReLU, not tanh. Default: `True`.
    hidden : Sequence[int], numbers from 1 to 65536
        Widths of E's hidden layers; D's are the same, the other way round. Default: `[128]` for
        tables, `[500]` for images.
    training : mapping
        First weights, optimisers, moving average. What is left out is as recommended.
        * ``init``, one of `{"init": "normal", "sd": …}`, `{"init": "xavier"}`: First weights.
        * ``adam``: The optimiser of each network. Keys:
          * ``learning_rate``, a number above 0: Step size at the start of training. Default: 0.001.
          * ``beta1``, from 0 up to, not including, 1: Decay of the first moment. Default: 0.9.
          * ``beta2``, from 0 up to, not including, 1: Decay of the second moment. Default: 0.999.
          * ``clip``, a number above 0: Longest gradient of a loss, over all parameters that it
            trains together; longer ones are scaled down to it. Unlimited if absent. Default: not
            set.
        * ``ema``, from 0 up to, not including, 1: Decay of the weights' moving average, which
          scores; 0 scores with the weights themselves. Default: 0.999.
    epochs : int, at least 1
        Passes over the training samples, at most. Default: by model and data.
    batch_size : int, at least 1
        Samples per update. Fewer samples than this make one batch; otherwise the samples left over
        at the end of an epoch wait for the next one. Default: 256 for tables, 64 for images.
    schedule : str, one of `constant`, `cosine`
        How the learning rate moves. Default: `cosine`.
    choice : str, one of `last`, `held-out`
        Which epoch's networks become the model. Default: `held-out`.
    patience : int, at least 1
        Stop when this many epochs have gone by without one whose first score part is smaller, on
        average, over held-out normals, whichever epoch is chosen. Never if absent. Default: not
        set.
    members : int, from 1 to 100
        Networks that train side by side from different first weights, of whose scores the model's
        are the mean; 1 for baselines, which have none. Default: by model and data.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    augmentation : mapping
        Changes to training images. For tables there are none. What is left out is as recommended.
        * ``flip_horizontal``: Left and right change sides in every other image. Default: not set
          for tables, `False` for images.
        * ``flip_vertical``: Top and bottom change sides in every other image. Default: not set for
          tables, `False` for images.
        * ``shift``, 0 or more: Pixels, at most, by which an image moves along each axis. Default:
          not set for tables, 0 for images.
        * ``rotation``, from 0 to 45: Degrees, at most, by which it turns to either side. Default:
          not set for tables, 0.0 for images.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "vae"
    _model_settings = (
        "latent",
        "spread",
        "relu",
        "hidden",
        "training",
    )

    def __init__(
        self,
        *,
        latent: Int | None = None,
        spread: float | None = None,
        relu: bool | None = None,
        hidden: Sequence[Int] | None = None,
        training: Mapping[str, Any] | None = None,
        epochs: Int | None = None,
        batch_size: Int | None = None,
        schedule: str | None = None,
        choice: str | None = None,
        patience: Int | None = None,
        members: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.latent = latent
        self.spread = spread
        self.relu = relu
        self.hidden = hidden
        self.training = training
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.choice = choice
        self.patience = patience
        self.members = members
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.augmentation = augmentation
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class PCA(Detector):
    """Principal components: a normal sample lies near the plane that most of the variance spans.

    Two scores. `distance`, the recommended one, is the squared distance from the mean in units of the
    variance that probabilistic PCA gives to each direction, divided by the number of features:
    Hotelling's T² of the leading components, and what they leave in units of its own mean variance
    (Tipping and Bishop, "Probabilistic principal component analysis", J. R. Stat. Soc. B 61(3), 1999,
    eq. 8 and 9). `residual` is what the leading components leave, alone: the Q statistic of Jackson and
    Mudholkar, "Control procedures for residuals associated with principal component analysis",
    Technometrics 21(3), 1979.

    Parameters
    ----------
    variance_share : float
        Keeps as few of the leading components as hold this share of the training set's variance,
        above 0 and at most 1; 0.95, as before the classic detectors in Ruff et al., "Deep one-class
        classification", ICML 2018. A share below 1 never keeps as many components as there are
        features that vary: nothing would be left to score. Default: 0.95.
    components : int
        Keeps this many leading components instead, from 1 up, but never one without variance; not
        set. Default: not set.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "pca"
    _model_settings = (
        "variance_share",
        "components",
    )

    def __init__(
        self,
        *,
        variance_share: float | None = None,
        components: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.variance_share = variance_share
        self.components = components
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class KNN(Detector):
    """Nearest neighbours: a normal sample lies near other normal samples.

    The score is the distance to the k-th nearest of a set of training samples: Ramaswamy, Rastogi,
    Shim, "Efficient algorithms for mining outliers from large data sets", SIGMOD 2000. The mean over
    the k nearest, in place of it, is that of Angiulli and Pizzuti, "Fast outlier detection in high
    dimensional spaces", PKDD 2002.

    Parameters
    ----------
    k : int
        The number of neighbours, from 1 up; 5, as in PyOD. All references when there are fewer.
        Default: 5.
    aggregate : str, one of `largest`, `mean`
        What is made of the k distances; the largest, as in PyOD. Default: `largest`.
    references : int
        The most training samples that are kept, from 1 up; 5,000. The time to score and the size of
        the model grow with it.  They are the first distinct ones in a random order of the training
        set, by the seed. In logs such as KDD Cup 99 a few records make up most of the rows: without
        duplicates there is room for the others, and the frequent ones are still the likeliest to be
        there. Each counts as often as it occurs in the training set: a record that most rows equal
        has its neighbours at distance 0. Default: 5000.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "knn"
    _model_settings = (
        "k",
        "aggregate",
        "references",
    )

    def __init__(
        self,
        *,
        k: Int | None = None,
        aggregate: str | None = None,
        references: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.k = k
        self.aggregate = aggregate
        self.references = references
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class PatchCore(Detector):
    """Nearest neighbours among few patches that cover all: Roth et al., "Towards total recall in
    industrial anomaly detection", CVPR 2022 (arXiv 2106.08265).

    The memory bank M is a greedy coreset (algorithm 1: the patch that is farthest from all chosen ones
    is chosen next; Sener and Savarese 2018), found in a random projection (Johnson and Lindenstrauss),
    and the score of a patch is its distance to the nearest in M (equation 6).

    Parameters
    ----------
    references : int
        The patches that are kept, at most, from 1 up; 4,000. The time to score and the size of the
        model grow with it. Default: 4000.
    candidates : int
        The patches among which they are chosen, drawn at random, at most, from 1 up; 40,000. The
        paper keeps 1 % or 10 % of all. Default: 40000.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "patchcore"
    _model_settings = (
        "references",
        "candidates",
    )

    def __init__(
        self,
        *,
        references: Int | None = None,
        candidates: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.references = references
        self.candidates = candidates
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class PaDiM(Detector):
    """A Gaussian: normal samples lie near the mean, in units of how they spread. Of patches of images, one
    for each place: Defard et al., "PaDiM: a patch distribution modeling framework for anomaly detection
    and localization", ICPR 2020.

    The score is Mahalanobis' distance from the mean of the place (section III.B).

    Parameters
    ----------
    ridge : float
        Added to every variance, in units of the mean variance; above 0. 0.01, as in the paper.
        Default: 0.01.
    prior : float
        Patches' worth of the covariance of all places that is mixed into that of each, 0 or more.
        Default: 20.0.
    model_features : int
        Features that count, drawn with the seed, as the paper has it: all if there are fewer. From
        1 up. Default: 100.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "padim"
    _model_settings = (
        "ridge",
        "prior",
        "model_features",
    )

    def __init__(
        self,
        *,
        ridge: float | None = None,
        prior: float | None = None,
        model_features: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.ridge = ridge
        self.prior = prior
        self.model_features = model_features
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class IForest(Detector):
    """Isolation forest: an anomaly is soon alone when samples are split at random.

    Liu, Ting, Zhou, "Isolation forest", ICDM 2008.

    Parameters
    ----------
    trees : int
        The number of trees, from 1 up; 100. Default: 100.
    subsample : int
        Training samples that each tree sees, drawn without replacement, from 2 up; 256. All of them
        when there are fewer. Default: 256.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "iforest"
    _model_settings = (
        "trees",
        "subsample",
    )

    def __init__(
        self,
        *,
        trees: Int | None = None,
        subsample: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.trees = trees
        self.subsample = subsample
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


class ECOD(Detector):
    """Empirical tails: an anomaly lies in the tails of the distributions of its features.

    Li, Zhao, Hu, Botta, Ionescu, Chen, "ECOD: unsupervised outlier detection using empirical cumulative
    distribution functions", TKDE 2022 (arXiv 2201.00382).

    Parameters
    ----------
    references : int
        The most training samples whose values are kept, drawn with the seed; 10,000. The smallest
        tail probability is 1 / (references + 1). Default: 10000.
    ensemble : Sequence[str]
        Models that train beside this one, with their recommended settings, on the same samples and
        with the same held out: the score in use is then the sum of all their scores, each in units
        of its spread over held-out normals. Maps and contributions are this one's. Default: not
        set.
    relative : bool
        Of images that are seen as pixels: whether the score in use is how much larger the first
        part of the model's own score is than usual for an image as busy (`relative`). For others it
        makes no difference. Default: `False` for tables, `True` for images.
    hold_out : mapping
        The samples kept out of training. What is left out is as recommended.
        * ``validation``, between 0 and 0.5: Share that measures every epoch and fits the combined
          score. Default: 0.1.
        * ``calibration``, between 0 and 0.5: Share that turns scores into p-values. Default: 0.1.
        * ``limit``, at least 1: Neither part is larger than this many samples. Default: 10000.
    scaling : str, one of `min-max`, `standard`, `bounded`
        How numbers are scaled. Default: `min-max`.
    tails : str, one of `bend`, `keep`
        What happens to columns of numbers with heavy tails. Default: `bend`.
    max_levels : int, at least 1
        The most levels of a category that get a feature of their own; the rarest beyond go to
        "other". At least 1. Default: 128.
    min_level_rows : int
        Levels in fewer training rows than this go to "other". Default: 1.
    contamination : float | Literal["auto"], `"auto"`, or above 0 and at most 0.5
        What decides `threshold_`: `"auto"` flags a false-alarm rate of 0.01 among held-out normals,
        or the smallest that these can promise; a number flags that share of the samples given to
        `fit`, as in PyOD.
    score_name : str, one of `score_names_`
        The score in use, of those that the fitted model offers. Default: the recommended one.
    features : str, `pixels`, `lite0`, `dct`, or a path that ends in `.onnx`
        What is seen of images: their pixels; what a network says of them, one that was trained on a
        million photographs and comes with the package, or that of a file; or the cosine transform
        of windows. Default: `lite0`; for images of at most 32 pixels on a side `pixels` if they are
        files, and `lite0` with `feature_pool="image"` if they come as an array.
    feature_pool : str, `patches`, `image` or `both`
        What of an image is judged at once: every place, all of it, or each by a detector of its
        own, whose scores are added up. Default: `patches`, unless `features` says otherwise.
    feature_taps : Sequence[str], each once of `stage1` to `stage5`, or outputs of a file
        Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.
    tile : int, at least 16
        Pixels of the side of tiles in which images are looked at that are larger than a network
        sees at once.
    overlap : int, from 0 to half of `tile`
        Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.
    seed : int, from 0 to 2**63 - 1
        Decides every random choice: the same seed gives the same model, bit for bit.
    random_state : int | np.random.RandomState, as `seed`
        The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.
    device : str, `cpu`, or what `unlike doctor` lists
        Where networks live.
    progress : bool | Callable[[dict[str, Any]], object]
        Whether to show a bar while training; by default, where a terminal or a notebook is there. A
        function is called after each epoch with what is known of it, and ends the training by
        returning `True`.
    score_training : bool
        Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`.
        Needed by a number as `contamination`.
    """

    _model_name = "ecod"
    _model_settings = (
        "references",
    )

    def __init__(
        self,
        *,
        references: Int | None = None,
        ensemble: Sequence[str] | None = None,
        relative: bool | None = None,
        hold_out: Mapping[str, Any] | None = None,
        scaling: str | None = None,
        tails: str | None = None,
        max_levels: Int | None = None,
        min_level_rows: Int | None = None,
        contamination: float | Literal["auto"] = "auto",
        score_name: str | None = None,
        features: str | None = None,
        feature_pool: str | None = None,
        feature_taps: Sequence[str] | None = None,
        tile: Int | None = None,
        overlap: Int | None = None,
        seed: Int = 0,
        random_state: Int | np.random.RandomState | None = None,
        device: str = "cpu",
        progress: bool | Callable[[dict[str, Any]], object] | None = None,
        score_training: bool = True,
    ) -> None:
        self.references = references
        self.ensemble = ensemble
        self.relative = relative
        self.hold_out = hold_out
        self.scaling = scaling
        self.tails = tails
        self.max_levels = max_levels
        self.min_level_rows = min_level_rows
        self.contamination = contamination
        self.score_name = score_name
        self.features = features
        self.feature_pool = feature_pool
        self.feature_taps = feature_taps
        self.tile = tile
        self.overlap = overlap
        self.seed = seed
        self.random_state = random_state
        self.device = device
        self.progress = progress
        self.score_training = score_training


CLASSES: tuple[type[Detector], ...] = (
    EGBAD,
    BiGAN,
    AnoGAN,
    FAnoGAN,
    GANomaly,
    SimpleNet,
    VAE,
    PCA,
    KNN,
    PatchCore,
    PaDiM,
    IForest,
    ECOD,
)
"""All of them, in the library's order."""
