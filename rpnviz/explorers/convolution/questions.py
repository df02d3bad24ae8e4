"""What learners believe of a 3×3 filter: a question above its explorer."""

from __future__ import annotations

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.common.words import fixed
from rpnviz.explorers.convolution.explorer import ConvolutionExplorer


def weights_of_a_filter(explorer: ConvolutionExplorer) -> Question:
    """9 weights, or 9 × 512?"""
    made, channels = explorer.taken_apart, explorer.num_channels
    most, least = int(made.channel_sums.argmax()), int(made.channel_sums.argmin())
    middle = [fixed(float(made.weights[channel, 1, 1]), 3) for channel in (most, least)]
    return Question(
        fact=27,
        text=f"Filter {explorer.output} is a 3×3 filter. How many weights does it have?",
        choices=(
            Choice(
                "Nine, the same for every channel",
                f"Here is channel {least}: its middle weight is {middle[1]}, that of channel {most} is {middle[0]}: "
                "each channel has nine of its own.",
                {"channel": least},
            ),
            Choice(
                f"Nine for each channel: 9 × {channels} = {9 * channels:,}",
                f"Channel {most} alone adds {fixed(float(made.channel_sums[most]), 3)}; {channels} such sums and the "
                f"bias make one number, {fixed(made.before_relu, 3)} before the ReLU.",
                {"channel": most},
                right=True,
            ),
            Choice(
                f"9 × {channels} × {channels}",
                f"That is all {channels} filters together, one for each square of the right sheet; this one makes one "
                f"square, {fixed(made.after_relu, 3)}.",
                {"channel": most},
            ),
        ),
    )
