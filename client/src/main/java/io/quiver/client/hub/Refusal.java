package io.quiver.client.hub;

import java.net.http.HttpHeaders;
import java.util.Locale;

/**
 * What a hub's no means, and what a person can do about it.
 *
 * @param headers of the hub's answer: {@code X-Error-Code} and {@code X-Error-Message} say more than the status
 */
record Refusal(HubSettings settings, ModelReference reference, int status, HttpHeaders headers) {
    String message() {
        String repository = reference.repository();
        String page = settings.endpoint() + "/" + repository;
        String code = headers.firstValue("x-error-code").orElse("").toLowerCase(Locale.ROOT);
        boolean asked = settings.token().isPresent();
        if (code.equals("gatedrepo")) {
            return repository + " is gated: ask for access at " + page
                    + (asked ? " with the account of " + settings.token().get() : ", then " + giveToken());
        }
        if (code.equals("revisionnotfound")) {
            return repository + " has no revision '" + reference.revision() + "': " + page + "/commits/"
                    + ModelReference.REVISION_DEFAULT + " lists them";
        }
        if (status == 401) {
            return asked
                    ? settings.endpoint() + " does not accept "
                            + settings.token().get() + ", or it may not see " + repository + ": make one at "
                            + settings.endpoint() + "/settings/tokens"
                    : repository + " is not there, or is private. Look for it at " + page + "; if it is private, "
                            + giveToken();
        }
        if (status == 403) {
            return (asked ? settings.token().get().toString() : "somebody without a token") + " may not read "
                    + repository + said() + ": see " + page;
        }
        if (status == 404) {
            return "there is no model " + repository + " at " + settings.endpoint()
                    + (asked
                            ? ", or it is private and not shown for "
                                    + settings.token().get()
                            : "");
        }
        return settings.endpoint() + " refuses " + repository + " with status " + status + said();
    }

    private String giveToken() {
        return "make a token at " + settings.endpoint() + "/settings/tokens and give it in HF_TOKEN";
    }

    private String said() {
        return headers.firstValue("x-error-message")
                .map(text -> " (" + text.substring(0, Math.min(300, text.length())) + ")")
                .orElse("");
    }
}
