"""The library's functions and structs, as src/mmneuron.h declares them.

Nothing here but declarations, and what loads the library. python/tests/test_header.py holds them to
the header, member by member.
"""
import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_int, c_int32,
                    c_int64, c_size_t, c_uint32, c_uint64, c_void_p)
from enum import IntEnum
from pathlib import Path

_FOLDER = Path(__file__).parent / "lib"


class Status(IntEnum):
    """What became of a call of the library (mmn_status)."""
    OK = 0
    DIFFERENT = 1
    USAGE = 2  #: the caller asked for something that cannot be
    INPUT = 3  #: a file's contents are not what they should be
    SYSTEM = 4  #: the operating system refused: a file, the disk, memory
    INTERRUPTED = 5
    NONFINITE = 6  #: a number of the forward pass became infinite or NaN


ENUMS = {
    "MMN_RESIZE_HORIZONTAL_FIRST": 0, "MMN_RESIZE_PILLOW_13": 1,
    "MMN_EARLY_STOPPING_FALSE": 0, "MMN_EARLY_STOPPING_TRUE": 1, "MMN_EARLY_STOPPING_NEVER": 2,
    "MMN_ELEMENT_F32": 0, "MMN_ELEMENT_I32": 1,
    "MMN_COLUMN_NONE": 0, "MMN_COLUMN_TEXT": 1, "MMN_COLUMN_JSON": 2, "MMN_COLUMN_WHOLE": 3,
    "MMN_COLUMN_REAL": 4, "MMN_COLUMN_TRUTH": 5,
    "MMN_REPORT_HTML": 0, "MMN_REPORT_MARKDOWN": 1, "MMN_REPORT_SVG": 2, "MMN_REPORT_CSV": 3,
}

_TEXTS = POINTER(c_char_p)


class ErrorStruct(Structure):
    _fields_ = [("status", c_int), ("cause", c_int), ("file", c_char * 1024),
                ("where", c_char * 256), ("message", c_char * 1024)]


class ProgressStruct(Structure):
    _fields_ = [("label", c_char_p), ("unit", c_char_p), ("done", c_uint64), ("total", c_uint64),
                ("already", c_uint64), ("seconds", c_double), ("begun", c_double)]


PROGRESS = CFUNCTYPE(c_int, c_void_p, POINTER(ProgressStruct))
INTERRUPTED = CFUNCTYPE(c_int, c_void_p)
SKIPPED = CFUNCTYPE(None, c_void_p, POINTER(ErrorStruct))


class ModelOptions(Structure):
    _fields_ = [("size", c_size_t), ("threads", c_int), ("simd", c_char_p), ("resize_order", c_int),
                ("without_tokenizer", c_int), ("ignore_generation_config", c_int),
                ("interrupted", INTERRUPTED), ("interrupted_context", c_void_p),
                ("allow_nonfinite", c_int), ("deltas", _TEXTS), ("delta_count", c_size_t),
                ("random_weights", c_int), ("weights_seed", c_uint64)]


class Module(Structure):
    _fields_ = [("name", c_char_p), ("layers", c_uint32), ("neurons", c_uint32),
                ("stages", c_char_p), ("first_inert_layer", c_uint32)]


class BeamSearch(Structure):
    _fields_ = [("beams", c_uint32), ("length_penalty", c_double), ("early_stopping", c_int)]


class GenerationInfo(Structure):
    _fields_ = [("ignored", c_int), ("file", c_char_p), ("obeyed", c_char_p), ("unused", c_char_p),
                ("refused", c_char_p), ("repetition_penalty", c_double),
                ("beam_search", BeamSearch), ("stop_ids", POINTER(c_int32)),
                ("stop_id_count", c_size_t)]


class ModelInfoStruct(Structure):
    _fields_ = [("family", c_char_p), ("vision", c_char_p), ("language", c_char_p),
                ("weight_types", c_char_p), ("kernels", c_char_p), ("template_name", c_char_p),
                ("template_file", c_char_p), ("template_problem", c_char_p),
                ("parameters", c_uint64), ("weight_bytes", c_uint64), ("files", c_uint32),
                ("tensors", c_uint32), ("threads", c_uint32), ("vision_width", c_uint32),
                ("vision_layers", c_uint32), ("vision_heads", c_uint32), ("image_size", c_uint32),
                ("patch_size", c_uint32), ("language_width", c_uint32),
                ("language_layers", c_uint32), ("language_heads", c_uint32),
                ("language_kv_heads", c_uint32), ("vocabulary", c_uint32),
                ("maximum_positions", c_uint32), ("sliding_window", c_uint32),
                ("first_window_layer", c_uint32), ("module_count", c_size_t),
                ("modules", POINTER(Module)), ("remark_count", c_size_t), ("remarks", _TEXTS),
                ("generation", GenerationInfo), ("judge_labels", c_uint32),
                ("delta_count", c_size_t), ("deltas", _TEXTS), ("detector_boxes", c_uint32)]


class StageStruct(Structure):
    _fields_ = [("name", c_char_p), ("module", c_char_p), ("layer", c_int), ("element", c_int),
                ("dimensions", c_size_t), ("shape", c_size_t * 4), ("data", c_void_p),
                ("first_position", c_size_t), ("generating", c_int), ("input", c_void_p)]


SEE = CFUNCTYPE(c_int, c_void_p, POINTER(StageStruct), POINTER(ErrorStruct))


class Probe(Structure):
    _fields_ = [("stages", c_char_p), ("writes", c_int), ("see", SEE), ("context", c_void_p),
                ("only_new", c_int)]


class SessionOptions(Structure):
    _fields_ = [("size", c_size_t), ("prompt_only", c_int),
                ("max_new_tokens", c_size_t)]


class Sampling(Structure):
    _fields_ = [("temperature", c_double), ("top_p", c_double), ("top_k", c_uint64),
                ("seed", c_uint64), ("sample", c_char_p), ("repetition_penalty", c_double)]


class CountOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("output", c_char_p), ("modules", c_char_p),
                ("samples", c_uint64), ("positions", c_uint64), ("positions_module", c_char_p),
                ("window", c_uint64), ("begin_of_text", c_int), ("shard", c_uint32),
                ("shards", c_uint32), ("skip_bad", c_int), ("batch", c_uint32),
                ("stop_after", c_uint64), ("allow_unknown_keys", c_int),
                ("allow_long_prompts", c_int), ("progress", PROGRESS),
                ("progress_context", c_void_p), ("skipped", SKIPPED), ("ranks", c_void_p),
                ("magnitudes", c_int)]


class CountSummary(Structure):
    _fields_ = [("samples", c_uint64), ("skipped", c_uint64), ("resumed", c_uint64),
                ("positions", c_uint64), ("window", c_uint64), ("nonfinite", c_uint64),
                ("seconds", c_double)]


class RankOptions(Structure):
    _fields_ = [("size", c_size_t), ("rate", c_double), ("bar", c_double),
                ("assignment_bar", c_double), ("modules", c_char_p), ("float32", c_int),
                ("allow_nonfinite", c_int), ("by", c_char_p), ("seed", c_uint64),
                ("model", c_void_p), ("second", c_void_p)]


class CountsInfo(Structure):
    _fields_ = [("version", c_char_p), ("model", c_char_p), ("data", c_char_p),
                ("settings", c_char_p), ("samples", c_uint64), ("skipped", c_uint64),
                ("nonfinite", c_uint64), ("shard", c_uint32), ("shards", c_uint32),
                ("unfinished", c_int), ("unchecked", c_int), ("module_count", c_size_t),
                ("domain_count", c_size_t)]


class Activity(Structure):
    _fields_ = [("positions", c_uint64), ("active", POINTER(c_int64)), ("sum", POINTER(c_int64)),
                ("magnitude", POINTER(c_int64))]


class Neuron(Structure):
    _fields_ = [("module", c_char_p), ("layer", c_uint32), ("neuron", c_uint32),
                ("entropy", c_double), ("p", POINTER(c_double))]


class Steering(Structure):
    _fields_ = [("neurons", c_char_p), ("off", c_char_p), ("on", c_char_p), ("counts", c_char_p),
                ("setting", c_char_p), ("other_model", c_int)]


class RowsOptions(Structure):
    _fields_ = [("file", c_char_p), ("shard", c_uint32), ("shards", c_uint32), ("parts", _TEXTS),
                ("part_count", c_size_t), ("arguments", _TEXTS), ("argument_count", c_size_t),
                ("ranks", c_void_p), ("plan", c_int)]


class EvalOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("neurons", c_char_p),
                ("settings", c_char_p), ("cross", c_char_p), ("samples", c_uint64),
                ("seeds", c_uint32), ("first_seed", c_uint64), ("tokens", c_uint64),
                ("temperature", c_double), ("top_p", c_double), ("top_k", c_uint64),
                ("sampling_seed", c_uint64), ("repetition_penalty", c_double),
                ("beam_search", BeamSearch), ("stop_strings", _TEXTS),
                ("stop_string_count", c_size_t), ("template_name", c_char_p), ("batch", c_uint32),
                ("allow_unknown_keys", c_int), ("allow_long_prompts", c_int),
                ("other_model", c_int), ("progress", PROGRESS), ("progress_context", c_void_p),
                ("rows", RowsOptions), ("measures", c_char_p), ("until", c_double),
                ("judge", c_void_p), ("judge_form", c_int), ("languages", c_char_p),
                ("steer", c_char_p), ("cases", c_uint64)]


class PerplexityOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("neurons", c_char_p),
                ("setting", c_char_p), ("window", c_uint64), ("begin_of_text", c_int),
                ("samples", c_uint64), ("seeds", c_uint32), ("first_seed", c_uint64),
                ("batch", c_uint32), ("allow_unknown_keys", c_int), ("other_model", c_int),
                ("progress", PROGRESS), ("progress_context", c_void_p), ("rows", RowsOptions)]


class StudyOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("neurons", c_char_p),
                ("settings", c_char_p), ("samples", c_uint64), ("window", c_uint64),
                ("begin_of_text", c_int), ("seeds", c_uint32), ("first_seed", c_uint64),
                ("batch", c_uint32), ("allow_unknown_keys", c_int), ("allow_long_prompts", c_int),
                ("other_model", c_int), ("progress", PROGRESS), ("progress_context", c_void_p),
                ("rows", RowsOptions)]


class PerturbOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("neurons", c_char_p),
                ("settings", c_char_p), ("samples", c_uint64), ("seeds", c_uint32),
                ("first_seed", c_uint64), ("allow_unknown_keys", c_int),
                ("allow_long_prompts", c_int), ("other_model", c_int), ("progress", PROGRESS),
                ("progress_context", c_void_p), ("rows", RowsOptions)]


class LensOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("stages", c_char_p), ("samples", c_uint64),
                ("top", c_uint64), ("examples", c_uint64), ("positions", c_char_p),
                ("neuron", c_char_p), ("neurons", c_char_p), ("off_domain", c_char_p),
                ("off_setting", c_char_p), ("allow_unknown_keys", c_int),
                ("allow_long_prompts", c_int), ("other_model", c_int), ("progress", PROGRESS),
                ("progress_context", c_void_p), ("rows", RowsOptions), ("nearest", c_uint64)]


class ContributionOptions(Structure):
    _fields_ = [("size", c_size_t), ("prompt", c_char_p), ("question", c_char_p),
                ("template_name", c_char_p), ("images", _TEXTS), ("image_count", c_size_t),
                ("tokens", c_uint64), ("word", c_char_p), ("all_words", c_int), ("product", c_int),
                ("top", c_uint64), ("names", c_uint64), ("seeds", c_uint32),
                ("first_seed", c_uint64), ("noise", c_double), ("allow_long_prompts", c_int),
                ("progress", PROGRESS), ("progress_context", c_void_p), ("list", c_char_p),
                ("samples", c_uint64), ("shuffles", c_uint32), ("at_least", c_uint64),
                ("weight_noise", c_double), ("enlarged", c_int), ("allow_unknown_keys", c_int),
                ("rows", RowsOptions), ("gradient", c_int)]


class JudgeOptions(Structure):
    _fields_ = [("size", c_size_t), ("file", c_char_p), ("list", c_char_p), ("form", c_int),
                ("allow_unknown_keys", c_int), ("progress", PROGRESS),
                ("progress_context", c_void_p)]


class DetectOptions(Structure):
    _fields_ = [("size", c_size_t), ("image", c_char_p), ("queries", POINTER(c_char_p)),
                ("query_count", c_size_t), ("threshold", c_double), ("progress", PROGRESS),
                ("progress_context", c_void_p)]


class LocateOptions(Structure):
    _fields_ = [("size", c_size_t), ("alignment", c_char_p), ("image", c_char_p),
                ("prompt", c_char_p), ("word", c_char_p), ("weights", c_char_p),
                ("from", c_char_p), ("to", c_char_p), ("epsilon", c_double), ("tokens", c_uint64),
                ("progress", PROGRESS), ("progress_context", c_void_p)]


class HallucinationsOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("detector", c_void_p), ("alignment", c_char_p),
                ("prompt", c_char_p), ("classes", c_char_p), ("samples", c_uint64), ("tokens", c_uint64),
                ("allow_unknown_keys", c_int), ("allow_long_prompts", c_int), ("progress", PROGRESS),
                ("progress_context", c_void_p), ("rows", RowsOptions)]


class BiasOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("detector", c_void_p), ("alignment", c_char_p),
                ("from", c_char_p), ("to", c_char_p), ("epsilon", c_double), ("property", c_char_p),
                ("prompt", c_char_p), ("samples", c_uint64), ("tokens", c_uint64),
                ("allow_unknown_keys", c_int), ("allow_long_prompts", c_int), ("progress", PROGRESS),
                ("progress_context", c_void_p), ("rows", RowsOptions)]


class EditOptions(Structure):
    _fields_ = [("size", c_size_t), ("prompt", c_char_p), ("question", c_char_p),
                ("template_name", c_char_p), ("images", _TEXTS), ("image_count", c_size_t),
                ("tokens", c_uint64), ("from", c_char_p), ("to", c_char_p), ("method", c_char_p),
                ("top", c_uint64), ("probability", c_double), ("random", c_int),
                ("seed", c_uint64), ("learning_rate", c_double), ("steps", c_uint32),
                ("output", c_char_p), ("allow_long_prompts", c_int),
                ("progress", PROGRESS), ("progress_context", c_void_p)]


class EditsOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("template_name", c_char_p), ("samples", c_uint64),
                ("tokens", c_uint64), ("method", c_char_p), ("top", c_uint64), ("probability", c_double),
                ("learning_rate", c_double), ("steps", c_uint32), ("seeds", c_uint32), ("first_seed", c_uint64),
                ("allow_unknown_keys", c_int), ("allow_long_prompts", c_int), ("progress", PROGRESS),
                ("progress_context", c_void_p), ("rows", RowsOptions)]


class FeaturesOptions(Structure):
    _fields_ = [("size", c_size_t), ("list", c_char_p), ("file", c_char_p), ("stages", c_char_p),
                ("pool", c_char_p), ("allow_unknown_keys", c_int), ("allow_long_prompts", c_int),
                ("progress", PROGRESS), ("progress_context", c_void_p), ("rows", RowsOptions)]


class EncodeOptions(Structure):
    _fields_ = [("size", c_size_t), ("responses", c_char_p), ("features", POINTER(c_char_p)),
                ("feature_count", c_size_t), ("comparisons", POINTER(c_char_p)),
                ("comparison_count", c_size_t), ("roles", POINTER(c_char_p)), ("role_count", c_size_t),
                ("joins", POINTER(c_char_p)), ("join_count", c_size_t), ("draws", c_uint32),
                ("seed", c_uint64), ("epsilon", c_double), ("rate", c_double), ("threads", c_int),
                ("simd", c_char_p), ("progress", PROGRESS), ("progress_context", c_void_p),
                ("model", c_void_p), ("events", POINTER(FeaturesOptions)), ("rows", RowsOptions),
                ("site_parts", c_uint32), ("columns", c_char_p)]


class DumpOptions(Structure):
    _fields_ = [("size", c_size_t), ("stages", c_char_p), ("generate", c_size_t),
                ("gradient_of", c_char_p), ("logit", c_int), ("gradient_at", c_size_t)]


class VerifyOptions(Structure):
    _fields_ = [("size", c_size_t), ("stages", c_char_p), ("tolerance", c_double),
                ("computed_in", c_char_p), ("common", c_int), ("one_tile", c_int),
                ("tile", c_size_t)]


class ReportOptions(Structure):
    _fields_ = [("size", c_size_t), ("images", c_char_p), ("title", c_char_p),
                ("model", c_char_p), ("date", c_char_p)]


# The header's name of each struct.
STRUCTS = {
    "mmn_error": ErrorStruct, "mmn_progress": ProgressStruct, "mmn_model_options": ModelOptions,
    "mmn_module": Module, "mmn_beam_search": BeamSearch, "mmn_generation_info": GenerationInfo,
    "mmn_model_info": ModelInfoStruct, "mmn_stage": StageStruct, "mmn_probe": Probe,
    "mmn_session_options": SessionOptions, "mmn_sampling": Sampling,
    "mmn_count_options": CountOptions, "mmn_count_summary": CountSummary,
    "mmn_rank_options": RankOptions, "mmn_counts_info": CountsInfo, "mmn_activity": Activity,
    "mmn_neuron": Neuron, "mmn_steering": Steering, "mmn_rows_options": RowsOptions,
    "mmn_eval_options": EvalOptions, "mmn_perplexity_options": PerplexityOptions,
    "mmn_study_options": StudyOptions, "mmn_perturb_options": PerturbOptions,
    "mmn_lens_options": LensOptions, "mmn_contribution_options": ContributionOptions,
    "mmn_detect_options": DetectOptions, "mmn_locate_options": LocateOptions,
    "mmn_hallucinations_options": HallucinationsOptions, "mmn_bias_options": BiasOptions,
    "mmn_judge_options": JudgeOptions,
    "mmn_edit_options": EditOptions, "mmn_edits_options": EditsOptions, "mmn_encode_options": EncodeOptions,
    "mmn_features_options": FeaturesOptions,
    "mmn_dump_options": DumpOptions, "mmn_verify_options": VerifyOptions,
    "mmn_report_options": ReportOptions,
}

# ---- Functions -----------------------------------------------------------------------------------

_OBJECT = c_void_p  # any of the library's opaque types
_MADE = POINTER(c_void_p)  # where a function puts what it has made: an object, a text or an array
_TEXT = c_char_p
_COUNT = POINTER(c_size_t)
_ERROR = POINTER(ErrorStruct)

# Of each function what it returns, and then what it takes.
FUNCTIONS = {
    "mmn_error_sentence": (None, _ERROR, _TEXT, c_size_t),
    "mmn_version": (_TEXT,),
    "mmn_release": (None, c_void_p),
    "mmn_progress_line": (None, _TEXT, c_size_t, POINTER(ProgressStruct), c_int),
    "mmn_model_open": (c_int, _MADE, _TEXT, POINTER(ModelOptions), _ERROR),
    "mmn_model_close": (None, _OBJECT),
    "mmn_model_describe": (POINTER(ModelInfoStruct), _OBJECT),
    "mmn_model_digest": (c_int, _OBJECT, _TEXT, _ERROR),
    "mmn_model_unchanged": (c_int, _OBJECT, _ERROR),
    "mmn_model_nonfinite": (c_uint64, _OBJECT, _ERROR),
    "mmn_model_encode": (c_int, _OBJECT, _TEXT, c_int, _MADE, _COUNT, _ERROR),
    "mmn_model_decode": (c_int, _OBJECT, POINTER(c_int32), c_size_t, c_int, _MADE, _ERROR),
    "mmn_prompt_from_template": (c_int, _OBJECT, _TEXT, _TEXT, c_int, _MADE, _ERROR),
    "mmn_input_from_prompt": (c_int, _MADE, _OBJECT, _TEXT, _TEXTS, c_size_t, _ERROR),
    "mmn_input_from_question": (c_int, _MADE, _OBJECT, _TEXT, _TEXT, _TEXTS, c_size_t, _MADE,
                                _ERROR),
    "mmn_input_from_file": (c_int, _MADE, _OBJECT, _TEXT, _ERROR),
    "mmn_input_from_ids": (c_int, _MADE, _OBJECT, POINTER(c_int32), c_size_t, _ERROR),
    "mmn_input_free": (None, _OBJECT),
    "mmn_input_length": (c_size_t, _OBJECT),
    "mmn_input_image_positions": (c_size_t, _OBJECT),
    "mmn_input_fits": (c_int, _OBJECT, _OBJECT, _ERROR),
    "mmn_input_is_image": (c_int, _OBJECT, c_size_t),
    "mmn_session_create": (c_int, _MADE, _OBJECT, POINTER(SessionOptions), _ERROR),
    "mmn_session_free": (None, _OBJECT),
    "mmn_session_add_probe": (c_int, _OBJECT, POINTER(Probe), _ERROR),
    "mmn_session_add_mask": (c_int, _OBJECT, _OBJECT, _ERROR),
    "mmn_session_prefill": (c_int, _OBJECT, _OBJECT, _ERROR),
    "mmn_session_positions_reused": (c_size_t, _OBJECT),
    "mmn_session_images_reused": (c_int, _OBJECT),
    "mmn_session_set_sampling": (c_int, _OBJECT, POINTER(Sampling), _ERROR),
    "mmn_session_set_beam_search": (c_int, _OBJECT, POINTER(BeamSearch), _ERROR),
    "mmn_session_set_stop_strings": (c_int, _OBJECT, _TEXTS, c_size_t, _ERROR),
    "mmn_session_generate": (c_int, _OBJECT, c_size_t, POINTER(c_int32), _COUNT, _ERROR),
    "mmn_count": (c_int, _OBJECT, POINTER(CountOptions), POINTER(CountSummary), _ERROR),
    "mmn_count_plan": (c_int, _MADE, _OBJECT, POINTER(CountOptions), _ERROR),
    "mmn_counts_merge": (c_int, _TEXTS, c_size_t, _TEXT, _ERROR),
    "mmn_counts_read": (c_int, _MADE, _TEXT, _ERROR),
    "mmn_counts_free": (None, _OBJECT),
    "mmn_counts_describe": (POINTER(CountsInfo), _OBJECT),
    "mmn_counts_module": (c_int, _OBJECT, c_size_t, POINTER(Module)),
    "mmn_counts_domain": (_TEXT, _OBJECT, c_size_t, POINTER(c_uint64)),
    "mmn_counts_activity": (c_int, _OBJECT, c_size_t, c_size_t, POINTER(Activity)),
    "mmn_neurons_read": (c_int, _MADE, _TEXT, _ERROR),
    "mmn_neurons_rank": (c_int, _MADE, _OBJECT, POINTER(RankOptions), _ERROR),
    "mmn_neurons_free": (None, _OBJECT),
    "mmn_neurons_result": (c_int, _MADE, _OBJECT, _ERROR),
    "mmn_neurons_digest": (_TEXT, _OBJECT),
    "mmn_neurons_model": (_TEXT, _OBJECT),
    "mmn_neurons_domain": (_TEXT, _OBJECT, c_size_t),
    "mmn_neurons_module": (c_int, _OBJECT, c_size_t, POINTER(Module)),
    "mmn_neurons_list": (c_int, _MADE, _COUNT, _OBJECT, _TEXT, _TEXT, _ERROR),
    "mmn_mask_from_file": (c_int, _MADE, _OBJECT, _TEXT, _TEXT, _TEXT, c_int, _ERROR),
    "mmn_mask_from_neurons": (c_int, _MADE, _OBJECT, _OBJECT, _TEXT, _TEXT, c_int, _ERROR),
    "mmn_mask_steer": (c_int, _MADE, _OBJECT, POINTER(Steering), _ERROR),
    "mmn_mask_steer_neurons": (c_int, _MADE, _OBJECT, _OBJECT, _OBJECT, POINTER(Steering), _ERROR),
    "mmn_mask_random": (c_int, _MADE, _OBJECT, c_uint64, _ERROR),
    "mmn_mask_free": (None, _OBJECT),
    "mmn_mask_neurons": (c_size_t, _OBJECT, _TEXT, c_int),
    "mmn_eval": (c_int, _MADE, _OBJECT, POINTER(EvalOptions), _ERROR),
    "mmn_perplexity_measure": (c_int, _MADE, _OBJECT, POINTER(PerplexityOptions), _ERROR),
    "mmn_study_run": (c_int, _MADE, _OBJECT, _TEXT, POINTER(StudyOptions), _ERROR),
    "mmn_perturb": (c_int, _MADE, _OBJECT, POINTER(PerturbOptions), _ERROR),
    "mmn_lens_run": (c_int, _MADE, _OBJECT, POINTER(LensOptions), _ERROR),
    "mmn_contributions_run": (c_int, _MADE, _OBJECT, POINTER(ContributionOptions), _ERROR),
    "mmn_contribution_names_write": (c_int, _OBJECT, _TEXT, _ERROR),
    "mmn_judge_file": (c_int, _MADE, _OBJECT, POINTER(JudgeOptions), _ERROR),
    "mmn_detect": (c_int, _MADE, _OBJECT, POINTER(DetectOptions), _ERROR),
    "mmn_locate": (c_int, _MADE, _OBJECT, _OBJECT, POINTER(LocateOptions), _ERROR),
    "mmn_hallucinations_run": (c_int, _MADE, _OBJECT, POINTER(HallucinationsOptions), _ERROR),
    "mmn_bias_run": (c_int, _MADE, _OBJECT, POINTER(BiasOptions), _ERROR),
    "mmn_edit": (c_int, _MADE, _OBJECT, POINTER(EditOptions), _ERROR),
    "mmn_edits_run": (c_int, _MADE, _OBJECT, POINTER(EditsOptions), _ERROR),
    "mmn_features": (c_int, _MADE, _OBJECT, POINTER(FeaturesOptions), _ERROR),
    "mmn_encode": (c_int, _MADE, POINTER(EncodeOptions), _ERROR),
    "mmn_result_free": (None, _OBJECT),
    "mmn_result_read": (c_int, _MADE, _TEXT, _ERROR),
    "mmn_result_json": (c_int, _OBJECT, _MADE, _ERROR),
    "mmn_result_table": (c_int, _OBJECT, _MADE, _ERROR),
    "mmn_result_write": (c_int, _OBJECT, _TEXT, _ERROR),
    "mmn_result_table_name": (_TEXT, _OBJECT, c_size_t),
    "mmn_result_column_name": (_TEXT, _OBJECT, _TEXT, c_size_t),
    "mmn_result_parent_table": (_TEXT, _OBJECT, _TEXT),
    "mmn_result_column_kind": (c_int, _OBJECT, _TEXT, _TEXT),
    "mmn_result_rows": (c_size_t, _OBJECT, _TEXT),
    "mmn_result_parent": (c_size_t, _OBJECT, _TEXT, c_size_t),
    "mmn_result_number": (c_double, _OBJECT, _TEXT, c_size_t, _TEXT),
    "mmn_result_text": (_TEXT, _OBJECT, _TEXT, c_size_t, _TEXT),
    "mmn_dump": (c_int, _OBJECT, _OBJECT, POINTER(DumpOptions), _TEXT, _ERROR),
    "mmn_verify": (c_int, _MADE, _TEXT, _TEXT, POINTER(VerifyOptions), _ERROR),
    "mmn_report_read": (c_int, _MADE, _TEXTS, c_size_t, POINTER(ReportOptions), _ERROR),
    "mmn_report_free": (None, _OBJECT),
    "mmn_report_figure_count": (c_size_t, _OBJECT),
    "mmn_report_figure_name": (_TEXT, _OBJECT, c_size_t),
    "mmn_report_write": (c_int, _OBJECT, c_int, _TEXT, _TEXT, _ERROR),
}


@contextmanager
def _waiting_asleep() -> Iterator[None]:
    """Lets threads that wait for others sleep, unless the environment says what they do: OpenMP reads
    that when it is loaded, and by itself lets them spin, which takes many times as long beside other
    work. Where something else has loaded it already, that has decided."""
    decided = "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ
    if not decided:
        os.environ["OMP_WAIT_POLICY"] = "passive"
    try:
        yield
    finally:
        if not decided:
            del os.environ["OMP_WAIT_POLICY"]


def _open(name: str) -> ctypes.CDLL:
    """The library that a wheel brings, or where there is none (packages of distributions) the
    system's."""
    own = _FOLDER / name
    try:
        return ctypes.CDLL(str(own) if own.exists() else name)
    except OSError as error:
        raise ImportError(f"{error}: {name} is neither in {_FOLDER}, where `pip install ./python`"
                          " puts it, nor among the system's libraries") from None


def _load() -> dict:
    """The functions. The library of pages needs the other one, which is there by its name then."""
    with _waiting_asleep():
        libraries = [_open("libmmneuron.so.0"), _open("libmmneuron_page.so.0")]
    functions = {}
    for name, (result, *arguments) in FUNCTIONS.items():
        function = getattr(libraries[name.startswith("mmn_report_")], name)
        function.restype = result
        function.argtypes = arguments
        functions[name] = function
    return functions


functions = _load()
