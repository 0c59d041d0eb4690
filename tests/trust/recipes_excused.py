"""What of the recipes has no sheet of arguments, and why."""

CHECKS = "is a check itself: every refusal here is one of its"
LINE = "works from the parsed command line, which is attacked"
GPU = "needs a GPU; it is given what the recipe itself makes"
HOLDS = "holds what it is given"
MODEL = "is a module's pass on what the recipe itself makes"
EXCUSED = {
    **{f"argument_checks.check_{what}": CHECKS for what in (
        "texts", "text_pairs", "grammar_pairs", "twins", "wholes", "device", "path", "fields",
        "rate")},
    "head_roles.check_heads": CHECKS,
    **{f"options.{what}": CHECKS for what in (
        "whole_option", "number_option", "COUNT", "FROM_ZERO", "SEED", "RATE", "SHARE")},
    **{f"{module}.main": "is attacked with wrong options" for module in (
        "cached_decoding", "coreference", "depth", "gpu_speed", "head_pruning",
        "position_extrapolation", "pretrained", "speculation", "tied_roles",
        "transformer_ablation", "translation")},
    **{f"translation.{what}": LINE for what in ("train", "measure", "settings", "run", "report")},
    "translation_options.parse": LINE,
    "translation_options.model_options": LINE,
    **{f"gpu_{what}": GPU for what in (
        "decoding.measure_decoding", "kernels.triton_attention", "kernels.pinned_attention",
        "kernels.measure_kernels", "kernels.flop", "models.BareAttention",
        "models.measure_versions", "models.measure_training_step", "speed.measure",
        "speed.against_aims", "speed.kernel_table", "stopwatch.highest_memory")},
    "gpu_speed.Plan": HOLDS,
    "gpu_stopwatch.Turns": HOLDS,
    "so_far.TranslatorSoFar": HOLDS,
    "speed_table.SpeedTable": HOLDS,
    **dict.fromkeys(
        ("pretrained.read_published(device)", "translator.load_translator(device)"),
        "counts once there is a folder",
    ),
    "translator.rebuild_translator": "reads files: see the tests of damaged checkpoints",
    "translation_data.Tokenizer": "is a protocol",
    "speed_table.earlier_speeds": "takes nothing",
    "trust.cases_in_all": "takes nothing",
    "translation_evaluation.bleu_signature": "takes nothing",
    "writers.english_vocabulary": "takes nothing",
    "position_extrapolation.answer_loss": MODEL,
    "writers.next_token_loss": MODEL,
}  # fmt: skip
