package io.quiver.standalone;

import java.net.URI;
import java.nio.file.Path;

/** Commands to paste into another terminal: what the demonstration did, by hand. */
final class CurlCommands {
    private CurlCommands() {}

    static String of(URI registry, URI router, Path quickstartDir, String prompt) {
        Path expert = quickstartDir.resolve("experts").resolve("shout");
        return """
                Try it yourself, in another terminal:

                  # upload an adapter (the same content again: 200 instead of 201)
                  curl -s -F adapter_config.json=@%1$s/adapter_config.json -F adapter_model.safetensors=@%1$s/adapter_model.safetensors -F base=%5$s %2$s/v1/adapters/me/shout/versions

                  # list adapters
                  curl -s %2$s/v1/adapters

                  # watch adapters move through their states
                  curl -sN '%2$s/v1/events?after=0'

                  # ask, with all experts as the library, and see what spoke for which expert
                  curl -s %3$s/v1/chat/completions -H 'Content-Type: application/json' -d '{"model":"%5$s","messages":[{"role":"user","content":"%4$s"}],"temperature":0,"max_tokens":48,"routing":{"all":true,"trace":"tokens"}}'
                """.formatted(expert, registry, router, prompt, Demo.BASE);
    }
}
