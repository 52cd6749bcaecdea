# Whether the finished command runs.

set(digits "${PROJECT_SOURCE_DIR}/Examples/digits/activations")

add_test(NAME help COMMAND CKACommand --help)
