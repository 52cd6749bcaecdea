# Whether the finished command runs.

set(digits "${PROJECT_SOURCE_DIR}/Examples/digits/activations")

add_test(NAME help COMMAND CKACommand --help)
add_test(NAME verify COMMAND CKACommand verify --device cpu)
add_test(NAME compare COMMAND CKACommand compare
  "${digits}/depth20-width1-seed0" "${digits}/depth8-width4-seed0"
  --device cpu --output "${CMAKE_BINARY_DIR}/compare-result" --force)
