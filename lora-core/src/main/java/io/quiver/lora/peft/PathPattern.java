package io.quiver.lora.peft;

import io.quiver.lora.peft.PatternNode.Ahead;
import io.quiver.lora.peft.PatternNode.At;
import io.quiver.lora.peft.PatternNode.Either;
import io.quiver.lora.peft.PatternNode.InOrder;
import io.quiver.lora.peft.PatternNode.OneOf;
import io.quiver.lora.peft.PatternNode.Place;
import io.quiver.lora.peft.PatternNode.Repeated;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression in Python's notation that comes from outside. It is run as a program that visits every pair of
 * instruction and position at most once, so that no pattern can hold a thread: matching takes at most (instructions × length)
 * steps, lookaheads multiply. Without groups to read back, lookbehind, backreferences and flags. Immutable.
 */
final class PathPattern {
    /** Instructions of one program; counted repetitions are written out. */
    static final int INSTRUCTIONS_MAX = 10_000;

    private enum Operation {
        CHARACTER,
        FORK,
        JUMP,
        PLACE,
        AHEAD,
        MATCH
    }

    private record Instruction(
            Operation operation,
            int target,
            @Nullable IntPredicate characters,
            @Nullable Place place,
            @Nullable Ahead ahead) {
        static Instruction to(Operation operation, int target) {
            return new Instruction(operation, target, null, null, null);
        }
    }

    /** What is left of the steps that all matches of one adapter may take together. */
    static final class Budget {
        private final long stepsMax;
        private long taken;

        Budget(long stepsMax) {
            this.stepsMax = stepsMax;
        }

        void take(long steps) {
            taken += steps;
            if (taken > stepsMax) {
                throw new PatternException("matching takes more than " + stepsMax + " steps");
            }
        }
    }

    private final List<Instruction> program = new ArrayList<>();

    private PathPattern() {}

    /**
     * Compiles a pattern.
     *
     * @throws PatternException if it is not one, or not supported, or too large
     */
    static PathPattern compile(String pattern) {
        return of(new PatternParser(pattern).parse());
    }

    static PathPattern of(PatternNode node) {
        PathPattern pattern = new PathPattern();
        pattern.emit(node);
        pattern.add(Instruction.to(Operation.MATCH, 0));
        return pattern;
    }

    /** As Python's {@code re.fullmatch}. */
    boolean matchesAll(String text, Budget budget) {
        return run(text, 0, true, budget);
    }

    /** As Python's {@code re.match}: from the start, to wherever. */
    boolean matchesStart(String text, Budget budget) {
        return run(text, 0, false, budget);
    }

    private void emit(PatternNode node) {
        if (node instanceof OneOf one) {
            add(new Instruction(Operation.CHARACTER, 0, one.characters(), null, null));
        } else if (node instanceof InOrder order) {
            order.parts().forEach(this::emit);
        } else if (node instanceof Either either) {
            emitEither(either);
        } else if (node instanceof Repeated repeated) {
            emitRepeated(repeated);
        } else if (node instanceof At at) {
            add(new Instruction(Operation.PLACE, 0, null, at.place(), null));
        } else if (node instanceof Ahead ahead) {
            add(new Instruction(Operation.AHEAD, 0, null, null, ahead));
        } else {
            throw new IllegalStateException("unknown node " + node);
        }
    }

    private void emitEither(Either either) {
        List<Integer> ends = new ArrayList<>();
        for (int i = 0; i < either.branches().size(); i++) {
            boolean last = i == either.branches().size() - 1;
            int fork = last ? -1 : add(Instruction.to(Operation.FORK, 0));
            emit(either.branches().get(i));
            if (!last) {
                ends.add(add(Instruction.to(Operation.JUMP, 0)));
                retarget(fork, program.size());
            }
        }
        ends.forEach(end -> retarget(end, program.size()));
    }

    private void emitRepeated(Repeated repeated) {
        for (int i = 0; i < repeated.min(); i++) {
            int before = program.size();
            emit(repeated.part());
            if (program.size() == before) {
                return; // repeating nothing is nothing
            }
        }
        if (repeated.max() < 0) {
            int fork = add(Instruction.to(Operation.FORK, 0));
            emit(repeated.part());
            add(Instruction.to(Operation.JUMP, fork));
            retarget(fork, program.size());
            return;
        }
        List<Integer> forks = new ArrayList<>();
        for (int i = repeated.min(); i < repeated.max(); i++) {
            forks.add(add(Instruction.to(Operation.FORK, 0)));
            emit(repeated.part());
        }
        forks.forEach(fork -> retarget(fork, program.size()));
    }

    private int add(Instruction instruction) {
        if (program.size() >= INSTRUCTIONS_MAX) {
            throw new PatternException("it is larger than " + INSTRUCTIONS_MAX + " instructions");
        }
        program.add(instruction);
        return program.size() - 1;
    }

    private void retarget(int index, int target) {
        program.set(index, Instruction.to(program.get(index).operation(), target));
    }

    private boolean run(String text, int start, boolean toEnd, Budget budget) {
        int positions = text.length() + 1;
        int words = program.size() * positions / 64 + 1;
        budget.take(words); // clearing them is work too
        long[] visited = new long[words];
        int[] pending = new int[64]; // states: instruction × positions + position
        int size = 0;
        pending[size++] = start;
        while (size > 0) {
            int state = pending[--size];
            if ((visited[state >> 6] & 1L << state) != 0) {
                continue;
            }
            visited[state >> 6] |= 1L << state;
            budget.take(1);
            int index = state / positions;
            int position = state % positions;
            Instruction instruction = program.get(index);
            if (instruction.operation() == Operation.MATCH) {
                if (!toEnd || position == text.length()) {
                    return true;
                }
                continue;
            }
            if (size + 2 > pending.length) {
                pending = Arrays.copyOf(pending, 2 * pending.length);
            }
            if (instruction.operation() == Operation.FORK || instruction.operation() == Operation.JUMP) {
                pending[size++] = instruction.target() * positions + position;
            }
            if (goesOn(instruction, text, position, budget)) {
                int taken = instruction.operation() == Operation.CHARACTER ? 1 : 0;
                pending[size++] = (index + 1) * positions + position + taken;
            }
        }
        return false;
    }

    /** Whether the next instruction may follow at this place. */
    private static boolean goesOn(Instruction instruction, String text, int position, Budget budget) {
        IntPredicate characters = instruction.characters();
        if (characters != null) {
            return position < text.length() && characters.test(text.charAt(position));
        }
        Place place = instruction.place();
        if (place != null) {
            return holds(place, text, position);
        }
        Ahead ahead = instruction.ahead();
        if (ahead != null) {
            return ahead.pattern().run(text, position, false, budget) != ahead.negative();
        }
        return instruction.operation() == Operation.FORK;
    }

    private static boolean holds(Place place, String text, int position) {
        return switch (place) {
            case START -> position == 0;
            case END -> position == text.length();
            case WORD_EDGE -> isWordAt(text, position - 1) != isWordAt(text, position);
            case NO_WORD_EDGE -> isWordAt(text, position - 1) == isWordAt(text, position);
        };
    }

    private static boolean isWordAt(String text, int position) {
        return position >= 0 && position < text.length() && PatternParser.isWord(text.charAt(position));
    }
}
