"""What learners believe of a 3×3 filter: a question above its explorer."""

from __future__ import annotations

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.common.words import fixed
from rpnviz.explorers.convolution.explorer import ConvolutionExplorer


def weights_of_a_filter(explorer: ConvolutionExplorer) -> Question:
    """9 weights, or 9 × 512?"""
    made, channels = explorer.taken_apart, explorer.num_channels
    most, second = made.channel_sums.topk(2).indices.tolist()
    least = int(made.channel_sums.argmin())
    adds = fixed(float(made.channel_sums[most]), 3)
    middle = [fixed(float(made.weights[channel, 1, 1]), 3) for channel in (most, least)]
    return Question(
        fact=27,
        text=f"Filter {explorer.output} is a 3×3 filter. How many weights does it have?",
        choices=(
            Choice(
                "Nine, the same for every channel",
                f"The middle weight of channel {least} is {middle[1]}, that of channel {most} is {middle[0]}: each "
                "channel has nine of its own.",
                {"channel": least},
            ),
            Choice(
                f"Nine for each channel: 9 × {channels} = {9 * channels:,}",
                f"Channel {most} alone adds {adds}; {channels} such sums and the bias make one number, "
                f"{fixed(made.before_relu, 3)} before the ReLU.",
                {"channel": most},
                right=True,
            ),
            Choice(
                f"9 × {channels} × {channels}",
                f"That is all {channels} filters, one for each square at the right; this one makes one square, "
                f"{fixed(made.after_relu, 3)}.",
                {"channel": second},
            ),
        ),
    )
