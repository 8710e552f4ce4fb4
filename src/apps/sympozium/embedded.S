/* The programs that sympozium carries for the pods it runs; the build names their files. */
    .section .rodata
    .global embedded_bridge, embedded_bridge_end, embedded_runner, embedded_runner_end, embedded_busybox, embedded_busybox_end
    .balign 16
embedded_bridge:
    .incbin EMBEDDED_BRIDGE
embedded_bridge_end:
    .balign 16
embedded_runner:
    .incbin EMBEDDED_RUNNER
embedded_runner_end:
    .balign 16
embedded_busybox:
    .incbin EMBEDDED_BUSYBOX
embedded_busybox_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
