package io.quiver.lora.peft;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/** Parses a regular expression in Python's notation, as far as {@link PathPattern} supports it. For one use. */
final class PatternParser {
    private static final int NESTING_MAX = 100;
    private static final int REPETITIONS_MAX = 1000;

    private final String text;
    private int position;
    private int nesting;

    PatternParser(String text) {
        this.text = text;
    }

    /** @throws PatternException if it is not a supported regular expression */
    PatternNode parse() {
        PatternNode node = choice();
        if (position < text.length()) {
            throw error("unbalanced )");
        }
        return node;
    }

    private PatternNode choice() {
        if (++nesting > NESTING_MAX) {
            throw error("nested more than " + NESTING_MAX + " deep");
        }
        List<PatternNode> branches = new ArrayList<>();
        branches.add(sequence());
        while (accept("|")) {
            branches.add(sequence());
        }
        nesting--;
        return branches.size() == 1 ? branches.get(0) : new PatternNode.Either(branches);
    }

    private PatternNode sequence() {
        List<PatternNode> parts = new ArrayList<>();
        while (position < text.length() && peek() != '|' && peek() != ')') {
            parts.add(quantified(atom()));
        }
        return new PatternNode.InOrder(parts);
    }

    private PatternNode quantified(PatternNode atom) {
        int min;
        int max;
        int before = position;
        if (accept("*")) {
            min = 0;
            max = -1;
        } else if (accept("+")) {
            min = 1;
            max = -1;
        } else if (accept("?")) {
            min = 0;
            max = 1;
        } else if (accept("{")) {
            String low = digits();
            boolean range = accept(",");
            String high = range ? digits() : low;
            if (!accept("}") || (low.isEmpty() && !range)) {
                position = before; // Python takes such a brace literally
                return atom;
            }
            min = low.isEmpty() ? 0 : number(low);
            max = high.isEmpty() ? -1 : number(high);
        } else {
            return atom;
        }
        if (atom instanceof PatternNode.At || (max >= 0 && max < min)) {
            throw error("this cannot be repeated so");
        }
        accept("?"); // lazy: another order of trying, the same answer
        PatternNode repeated = new PatternNode.Repeated(atom, min, max);
        if (quantified(repeated) != repeated) {
            throw error("multiple repeat");
        }
        return repeated;
    }

    private PatternNode atom() {
        char c = next();
        return switch (c) {
            case '(' -> group();
            case '[' -> new PatternNode.OneOf(set());
            case '.' -> new PatternNode.OneOf(any -> any != '\n');
            case '^' -> new PatternNode.At(PatternNode.Place.START);
            case '$' -> new PatternNode.At(PatternNode.Place.END);
            case '\\' -> escape();
            case '*', '+', '?' -> throw error("nothing to repeat");
            default -> new PatternNode.OneOf(one -> one == c);
        };
    }

    private PatternNode group() {
        PatternNode node;
        if (accept("?=") || accept("?!")) {
            boolean negative = text.charAt(position - 1) == '!';
            node = new PatternNode.Ahead(PathPattern.of(choice()), negative);
        } else {
            if (accept("?P<")) {
                int end = text.indexOf('>', position);
                if (end < 0 || !text.substring(position, end).matches("[A-Za-z_][A-Za-z0-9_]*")) {
                    throw error("bad group name");
                }
                position = end + 1;
            } else if (!accept("?:") && position < text.length() && peek() == '?') {
                throw error("this kind of group is not supported");
            }
            node = choice();
        }
        if (!accept(")")) {
            throw error("missing )");
        }
        return node;
    }

    private PatternNode escape() {
        char c = next();
        return switch (c) {
            case 'A' -> new PatternNode.At(PatternNode.Place.START);
            case 'Z' -> new PatternNode.At(PatternNode.Place.END);
            case 'b' -> new PatternNode.At(PatternNode.Place.WORD_EDGE);
            case 'B' -> new PatternNode.At(PatternNode.Place.NO_WORD_EDGE);
            default -> new PatternNode.OneOf(escaped(c));
        };
    }

    private IntPredicate escaped(char c) {
        return switch (c) {
            case 'd' -> Character::isDigit;
            case 'D' -> one -> !Character.isDigit(one);
            case 'w' -> PatternParser::isWord;
            case 'W' -> one -> !isWord(one);
            case 's' -> Character::isWhitespace;
            case 'S' -> one -> !Character.isWhitespace(one);
            default -> {
                if (Character.isLetterOrDigit(c)) {
                    throw error("the escape \\" + c + " is not supported");
                }
                yield one -> one == c;
            }
        };
    }

    static boolean isWord(int character) {
        return character == '_' || Character.isLetterOrDigit(character);
    }

    private IntPredicate set() {
        boolean negative = accept("^");
        IntPredicate set = one -> false;
        boolean first = true;
        while (first || peek() != ']') {
            first = false;
            char low = next();
            if (low == '\\') {
                char escaped = next();
                if (Character.isLetterOrDigit(escaped)) {
                    set = set.or(escaped(escaped));
                    continue;
                }
                low = escaped;
            }
            char high = low;
            if (position + 1 < text.length() && peek() == '-' && text.charAt(position + 1) != ']') {
                position++;
                high = next();
                if (high == '\\') {
                    high = next();
                    if (Character.isLetterOrDigit(high)) {
                        throw error("bad character range");
                    }
                }
                if (high < low) {
                    throw error("bad character range");
                }
            }
            char from = low;
            char to = high;
            set = set.or(one -> one >= from && one <= to);
        }
        position++;
        return negative ? set.negate() : set;
    }

    private String digits() {
        int start = position;
        while (position < text.length() && peek() >= '0' && peek() <= '9') {
            position++;
        }
        return text.substring(start, position);
    }

    private int number(String digits) {
        if (digits.length() > 9 || Integer.parseInt(digits) > REPETITIONS_MAX) {
            throw error("more than " + REPETITIONS_MAX + " repetitions");
        }
        return Integer.parseInt(digits);
    }

    private boolean accept(String expected) {
        if (!text.startsWith(expected, position)) {
            return false;
        }
        position += expected.length();
        return true;
    }

    private char peek() {
        if (position >= text.length()) {
            throw error("it ends too early");
        }
        return text.charAt(position);
    }

    private char next() {
        char c = peek();
        position++;
        return c;
    }

    private PatternException error(String reason) {
        return new PatternException(reason + " at index " + position);
    }
}
