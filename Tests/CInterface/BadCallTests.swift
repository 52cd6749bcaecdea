import CInterface
import CKAHeader
import TestSupport
import Testing

/// Calls that no program should make get an error that says why, and leave everything as it was.
@Suite struct BadCallTests {
  private let values = Memory([Activations64.normal(n: 8, p: 3, seed: 1)])

  @Test func handlesThatAreClosedOrOfAnotherKindAreTold() {
    let model = cka_model_create("m", nil)
    #expect(cka_close(model, nil) == 0)
    var error = cka_error()
    #expect(cka_close(model, &error) == Int32(CKA_USAGE))
    #expect(message(error) == "handle \(model): nothing of it is open")
    #expect(cka_model_layers(model, &error) == -1)
    #expect(message(error) == "model: \(model) is not the handle of anything open")
    let stream = cka_stream_create(nil, nil)
    for (name, call) in calls(on: stream) where !name.hasPrefix("stream") {
      #expect(call(&error) == 0)
      #expect(error.code == Int32(CKA_USAGE), "\(name)")
      #expect(message(error).hasSuffix("is the handle of something else"), "\(name)")
    }
    for handle in [0, 1 << 63, .max] as [cka_handle] {
      for (name, call) in calls(on: handle) {
        #expect(call(&error) == 0, "\(name)")
        #expect(error.code == Int32(CKA_USAGE), "\(name)")
      }
    }
    // Without an error to write to.
    for (_, call) in calls(on: 0) { _ = call(nil) }
  }

  /// All functions that take a handle, on one; each returns 0 where it fails.
  private func calls(
    on handle: cka_handle
  ) -> [(String, (UnsafeMutablePointer<cka_error>?) -> Int)] {
    [
      ("model: layers", { Int(cka_model_layers(handle, $0) + 1) }),
      ("model: name", { cka_model_layer_name(handle, 0, $0) == nil ? 0 : 1 }),
      ("model: add", { cka_model_add_layer(handle, "l", nil, $0) == 0 ? 1 : 0 }),
      ("compare", { Int(cka_compare(handle, 0, nil, nil, nil, $0)) }),
      ("stream: add", { cka_stream_add(handle, handle, 0, $0) == 0 ? 1 : 0 }),
      ("stream: result", { Int(cka_stream_result(handle, $0)) }),
      ("grams: add", { cka_grams_add(handle, "l", nil, $0) == 0 ? 1 : 0 }),
      ("stream: add grams", { cka_stream_add_grams(handle, handle, 0, $0) == 0 ? 1 : 0 }),
      ("stream: grams", { Int(cka_grams_create(handle, $0)) }),
      ("trust", { Int(cka_trust(handle, 0, nil, nil, nil, $0)) }),
      ("converge", { Int(cka_converge(handle, 0, nil, nil, nil, $0)) }),
      ("components", { Int(cka_components(handle, 0, nil, nil, nil, $0)) }),
      ("probe", { Int(cka_probe(handle, nil, nil, nil, nil, $0)) }),
      ("errors", { Int(cka_errors(handle, handle, nil, nil, $0)) }),
      (
        "blocks",
        { error in withUnsafePointer(to: handle) { Int(cka_blocks($0, 1, nil, error)) } }
      ),
      ("grams: add matrix", { cka_grams_add_matrix(handle, "l", nil, $0) == 0 ? 1 : 0 }),
      ("result: files", { Int(cka_result_files(handle, $0) + 1) }),
      ("result: name", { cka_result_file_name(handle, 0, $0) == nil ? 0 : 1 }),
      ("result: file", { cka_result_file(handle, "cka.npy", nil, $0) == nil ? 0 : 1 }),
      ("result: array", { cka_result_array(handle, "cka", nil, $0) == 0 ? 1 : 0 }),
      ("result: status", { cka_result_status(handle, 0, 0, $0) == nil ? 0 : 1 }),
      ("result: write", { cka_result_write(handle, "/nowhere", 0, 0, $0) == 0 ? 1 : 0 }),
    ]
  }

  @Test func argumentsThatAreNullAreTold() {
    var error = cka_error()
    #expect(cka_model_create(nil, &error) == 0)
    #expect(message(error) == "name is NULL")
    #expect(cka_model_open(nil, nil, &error) == 0)
    #expect(message(error) == "path is NULL")
    #expect(cka_model_add_layer(values.handle, "l", nil, &error) == Int32(CKA_USAGE))
    #expect(message(error) == "array is NULL")
    let result = cka_compare(values.handle, 0, nil, nil, nil, nil)
    #expect(cka_result_array(result, nil, nil, &error) == Int32(CKA_USAGE))
    #expect(message(error) == "name is NULL")
    #expect(cka_result_array(result, "cka", nil, &error) == Int32(CKA_USAGE))
    #expect(message(error) == "array is NULL")
    var array = cka_array()
    #expect(cka_result_array(result, "ckb", &array, &error) == Int32(CKA_USAGE))
    #expect(message(error) == "there are no numbers ckb; there are cka, z")
    #expect(cka_result_file(result, "../cka.npy", nil, &error) == nil)
    #expect(message(error).hasPrefix("there is no file ../cka.npy; there are cka.npy, cka.csv, "))
    #expect(cka_result_file_name(result, -1, &error) == nil)
    #expect(cka_result_file_name(result, .max, &error) == nil)
    #expect(cka_result_open(nil, &error) == 0)
    #expect(cka_result_open("/nowhere", &error) == 0)
    #expect(error.code == Int32(CKA_NO_INPUT))
    #expect(cka_blocks(nil, 1, nil, &error) == 0)
    #expect(message(error) == "results: there is none")
    #expect(cka_sweep("/nowhere/store", nil, 1, nil, nil, nil, &error) == 0)
    #expect(message(error) == "paths: there is none")
    #expect(cka_result_write(result, nil, 0, 0, &error) == Int32(CKA_USAGE))
    #expect(cka_result_status(result, 0, 1, &error) == nil)
    #expect(cka_result_status(result, .min, .max, &error) == nil)
    let wrong: [CChar] = [-1, -2, 0]
    #expect(cka_model_create(wrong, &error) == 0)
    #expect(message(error) == "name is not UTF-8")
  }

  @Test(
    arguments: [
      ([], CKA_FLOAT32, 0, "layer l: 0 axes, expected 1 to 64"),
      ([-1, 3], CKA_FLOAT32, 0, "layer l: the shape [-1, 3] is not one of an array"),
      (
        [1 << 40, 1 << 40], CKA_FLOAT32, 0,
        "layer l: the shape [1099511627776, 1099511627776] is not one of an array"
      ),
      (
        [1 << 31, 1 << 31], CKA_FLOAT64, 0,
        "layer l: the shape [2147483648, 2147483648] is larger than any memory"
      ),
      ([8, 3], cka_type(rawValue: 99), 0, "layer l: there is no type 99"),
      ([8, 3], CKA_FLOAT32, 0, "layer l: data is NULL"),
      ([8, 3, 1], CKA_FLOAT32, 1, "layer l: Fortran order of 3 axes, expected at most 2"),
    ] as [([Int64], cka_type, Int32, String)])
  func arraysThatCannotBeAreTold(
    shape: [Int64], type: cka_type, isFortran: Int32, expected: String
  ) {
    let model = cka_model_create("m", nil)
    var error = cka_error()
    let code = shape.withUnsafeBufferPointer { lengths in
      var array = cka_array(
        data: nil, shape: lengths.baseAddress, axes: lengths.count, type: type,
        is_fortran_order: isFortran)
      return cka_model_add_layer(model, "l", &array, &error)
    }
    #expect(code == Int32(CKA_USAGE))
    #expect(message(error) == expected)
    #expect(cka_model_layers(model, nil) == 0)
  }

  @Test func layersThatDoNotFitAreTold() {
    var error = cka_error()
    let shape: [Int64] = [9, 1]
    let numbers = [Float](repeating: 0, count: 9)
    for (name, expected) in [
      ("0", "layer 0 is there already"), ("1", "layer 1 has 9 examples, expected 8 as the others"),
    ] {
      let code = shape.withUnsafeBufferPointer { shape in
        numbers.withUnsafeBytes { numbers in
          var array = cka_array(
            data: numbers.baseAddress, shape: shape.baseAddress, axes: 2, type: CKA_FLOAT32,
            is_fortran_order: 0)
          return cka_model_add_layer(values.handle, name, &array, &error)
        }
      }
      #expect(code == Int32(CKA_USAGE))
      #expect(message(error) == expected)
    }
  }

  @Test(arguments: [
    ("[]", "options: expected a JSON object whose numbers are in range"),
    ("{", "options: expected a JSON object whose numbers are in range"),
    (
      #"{"batchsize": 4}"#,
      #"options: there is no "batchsize" here; there are align, bandwidth, batch_size, device, drop_examples, estimator, examples, kernel, memory, order, passes, precision, ragged, seed, sigma"#
    ),
    (#"{"batch_size": "x"}"#, "options: batch_size: expected Int"),
    (#"{"seed": -1}"#, "options: expected a JSON object whose numbers are in range"),
    (
      #"{"estimator": "best"}"#,
      #"options: estimator is "best"; there are minibatch, unbiased, biased"#
    ),
    (#"{"kernel": "linear", "sigma": 1}"#, "options: sigma needs the kernel rbf"),
    (#"{"kernel": "rbf", "sigma": -1}"#, "options: sigma is -1.0; it must be positive and finite"),
    (
      #"{"estimator": "biased", "passes": 2}"#,
      "options: passes needs the estimator minibatch; biased uses all examples"
    ),
    (
      #"{"device": "tpu"}"#,
      #"options: device is "tpu"; there are auto, cpu, opencl, opencl:INDEX, opencl:all"#
    ),
    (#"{"memory": 0}"#, "options: memory is 0; it must be positive"),
  ])
  func optionsThatCannotBeAreTold(options: String, expected: String) {
    var error = cka_error()
    #expect(cka_compare(values.handle, 0, options, nil, nil, &error) == 0)
    #expect(error.code == Int32(CKA_USAGE))
    #expect(message(error) == expected)
  }

  @Test func dataThatCannotBeComparedIsTold() {
    var error = cka_error()
    let other = Memory([Activations64.normal(n: 9, p: 3, seed: 1)])
    #expect(cka_compare(values.handle, other.handle, nil, nil, nil, &error) == 0)
    #expect(error.code == Int32(CKA_DATA))
    #expect(cka_compare(cka_model_create("empty", nil), 0, nil, nil, nil, &error) == 0)
    #expect(message(error) == "empty: there is no layer")
    #expect(cka_model_open("/nowhere", nil, &error) == 0)
    #expect(error.code == Int32(CKA_NO_INPUT))
    let stream = cka_stream_create(nil, nil)
    #expect(cka_stream_result(stream, &error) == 0)
    #expect(message(error) == "stream: no minibatch has arrived")
    let few = Memory([Activations64.normal(n: 3, p: 3, seed: 1)])
    #expect(cka_stream_add(stream, few.handle, 0, &error) == Int32(CKA_DATA))
    #expect(message(error) == "minibatch 0 has 3 examples; HSIC needs at least 4")
    let numbers = [UInt8](repeating: 1, count: 70_000)
    let large = numbers.withUnsafeBytes { numbers in
      [Int64(70_000)].withUnsafeBufferPointer { shape in
        var array = cka_array(
          data: numbers.baseAddress, shape: shape.baseAddress, axes: 1, type: CKA_UINT8,
          is_fortran_order: 0)
        return cka_grams_add(cka_grams_create(stream, nil), "l", &array, &error)
      }
    }
    #expect(large == Int32(CKA_DATA))
    #expect(message(error) == "layer l has 70000 examples; a minibatch has at most 65535")
    let empty = cka_grams_create(stream, nil)
    #expect(cka_stream_add_grams(stream, empty, 0, &error) == Int32(CKA_DATA))
    #expect(message(error) == "minibatch 0 has no layer")
    #expect(cka_stream_add(stream, values.handle, 0, nil) == 0)
    #expect(cka_stream_add(stream, values.handle, values.handle, &error) == Int32(CKA_DATA))
  }

  /// Long names are cut between two letters.
  @Test func longSentencesAreCut() {
    var error = cka_error()
    let path = "/" + String(repeating: "é", count: 3000)
    #expect(cka_model_open(path, nil, &error) == 0)
    let text = message(error)
    #expect(text.utf8.count < 2044 && text.utf8.count > 2000)
    #expect(!text.contains("\u{FFFD}"))
  }
}
