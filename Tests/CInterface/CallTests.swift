import CInterface
import CKAHeader
import Foundation
import TestSupport
import Testing

/// What callers in C get. Every call of these tests is one that a program in C can make; a call that ends the process
/// is noticed, as all tests of the process are then missing.
@Suite struct CallTests {
  private static let n = 24

  /// Two models of two layers each, and what CKA of their cells is.
  private let left = [
    Activations64.normal(n: n, p: 5, seed: 1), Activations64.normal(n: n, p: 9, seed: 2),
  ]
  private let right = [
    Activations64.normal(n: n, p: 5, seed: 1).mixed(into: .normal(n: n, p: 7, seed: 3), weight: 1),
    Activations64.normal(n: n, p: 3, seed: 4),
  ]

  /// The rounding of float32 Gram matrices of well-conditioned layers: `Documentation/Numerics.md`.
  private let tolerance = 1e-5

  @Test(arguments: ["unbiased", "biased"])
  func scoresAreThoseOfBruteForce(estimator: String) throws {
    let models = (Memory(left), Memory(right))
    let result = cka_compare(
      models.0.handle, models.1.handle, #"{"estimator": "\#(estimator)", "device": "cpu"}"#, nil,
      nil, nil)
    let scores = try numbers("cka", of: result)
    for (i, x) in left.enumerated() {
      for (j, y) in right.enumerated() {
        let expected = Oracle.cka(x, y, unbiased: estimator == "unbiased")
        #expect(abs(scores[2 * i + j] - expected) < tolerance)
        #expect(
          cka_result_status(result, Int64(i), Int64(j), nil).map { String(cString: $0) } == "ok")
      }
    }
    #expect(try json("result.json", of: result)["format"] as? String == "cka-result/1")
  }

  /// A matrix that is made elsewhere counts as the activations that it is of.
  @Test func matricesAreTakenAsTheyAre() throws {
    let (whole, given) = (
      cka_stream_create(#"{"device": "cpu"}"#, nil), cka_stream_create(#"{"device": "cpu"}"#, nil)
    )
    for start in stride(from: 0, to: Self.n, by: 8) {
      let rows = left.map { $0.rows(Array(start..<start + 8)) }
      #expect(cka_stream_add(whole, Memory(rows).kept, 0, nil) == 0)
      let grams = cka_grams_create(given, nil)
      for (index, layer) in rows.enumerated() {
        // By 2⁻⁴⁰ too small, as the exponent says.
        let triangle = centeredGram(of: layer).map { Float($0 * 0x1p-40) }
        let code = triangle.withUnsafeBufferPointer { numbers in
          var gram = cka_gram(
            numbers: numbers.baseAddress, examples: 8, features: Int64(layer.p), is_finite: 1,
            is_constant: 0, exponent: 40)
          return cka_grams_add_matrix(grams, "\(index)", &gram, nil)
        }
        #expect(code == 0)
      }
      // A layer that does not vary, and one that is not finite: their numbers do not count.
      for (name, isFinite, isConstant) in [("c", 1, 1), ("n", 0, 0)] {
        let code = [Float](repeating: .nan, count: 36).withUnsafeBufferPointer { numbers in
          var gram = cka_gram(
            numbers: numbers.baseAddress, examples: 8, features: 1, is_finite: Int32(isFinite),
            is_constant: Int32(isConstant), exponent: 0)
          return cka_grams_add_matrix(grams, name, &gram, nil)
        }
        #expect(code == 0)
      }
      #expect(cka_stream_add_grams(given, grams, 0, nil) == 0)
    }
    let (expected, result) = (cka_stream_result(whole, nil), cka_stream_result(given, nil))
    let (x, y) = try (numbers("cka", of: expected), numbers("cka", of: result))
    for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
      // Both are the matrix of the same numbers, rounded once to float32 and once more by the device.
      #expect(abs(x[2 * i + j] - y[4 * i + j]) < 1e-6)
    }
    #expect(cka_result_status(result, 2, 0, nil).map { String(cString: $0) } == "constant")
    #expect(cka_result_status(result, 0, 3, nil).map { String(cString: $0) } == "non-finite")
    var error = cka_error()
    let rbf = cka_stream_create(#"{"kernel": "rbf"}"#, nil)
    let code = [Float](repeating: 1, count: 36).withUnsafeBufferPointer { numbers in
      var gram = cka_gram(
        numbers: numbers.baseAddress, examples: 8, features: 1, is_finite: 1, is_constant: 0,
        exponent: 0)
      return cka_grams_add_matrix(cka_grams_create(rbf, nil), "l", &gram, &error)
    }
    #expect(code == Int32(CKA_DATA))
    #expect(
      message(error) == "layer l: a matrix that was made elsewhere is one of the linear kernel")
  }

  /// X Xᵀ of centered columns: the entries on and below the diagonal.
  private func centeredGram(of layer: Activations64) -> [Double] {
    let means = (0..<layer.p).map { k in
      (0..<layer.n).reduce(0) { $0 + layer.values[$1 * layer.p + k] } / Double(layer.n)
    }
    return (0..<layer.n).flatMap { i in
      (0...i).map { j in
        (0..<layer.p).reduce(0) {
          $0 + (layer.values[i * layer.p + $1] - means[$1])
            * (layer.values[j * layer.p + $1] - means[$1])
        }
      }
    }
  }

  /// The result of a stream has the document and the picture of a comparison.
  @Test func aStreamHasADocument() throws {
    let stream = cka_stream_create(#"{"device": "cpu", "names": ["a", "b"]}"#, nil)
    for rows in [0..<9, 9..<24] {
      let (x, y) = (
        Memory(left.map { $0.rows(Array(rows)) }), Memory(right.map { $0.rows(Array(rows)) })
      )
      #expect(cka_stream_add(stream, x.handle, y.handle, nil) == 0)
    }
    let result = cka_stream_result(stream, nil)
    let document = try json("result.json", of: result)
    let models = try #require(document["models"] as? [[String: Any]])
    #expect(models.map { $0["name"] as? String } == ["a", "b"])
    let layers = try #require(models[1]["layers"] as? [[String: Any]])
    #expect(layers.map { $0["shape"] as? [Int] } == [[24, 7], [24, 3]])
    let examples = try #require(document["examples"] as? [String: Any])
    #expect(examples["used"] as? Int == 24 && examples["minibatches"] as? Int == 2)
    let estimator = try #require(document["estimator"] as? [String: Any])
    #expect(estimator["batchSize"] as? Int == 15 && estimator["ragged"] as? String == "keep")
    #expect(try file("heatmap.png", of: result).starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let files = try TemporaryFolder()
    let folder = "\(files.path)/result"
    #expect(cka_result_write(result, folder, 0, 0, nil) == 0)
    let opened = cka_result_open(folder, nil)
    #expect(try numbers("cka", of: opened) == numbers("cka", of: result))
    #expect(try numbers("z", of: opened) == numbers("z", of: result))
    #expect(try file("result.json", of: opened) == file("result.json", of: result))
    #expect(try file("heatmap.svg", of: opened) == file("heatmap.svg", of: result))
  }

  /// Minibatches of 8 that arrive one by one give what `cka_compare` makes of them in stored order.
  @Test func aStreamAddsUpMinibatches() throws {
    let stream = cka_stream_create(#"{"device": "cpu"}"#, nil)
    for start in stride(from: 0, to: Self.n, by: 8) {
      let rows = Array(start..<start + 8)
      let (x, y) = (Memory(left.map { $0.rows(rows) }), Memory(right.map { $0.rows(rows) }))
      #expect(cka_stream_add(stream, x.handle, y.handle, nil) == 0)
    }
    let streamed = try numbers("cka", of: cka_stream_result(stream, nil))
    let (x, y) = (Memory(left), Memory(right))
    let whole = cka_compare(
      x.handle, y.handle, #"{"batch_size": 8, "order": "stored", "device": "cpu"}"#, nil, nil, nil)
    #expect(try numbers("cka", of: whole) == streamed)
    #expect(try numbers("z", of: whole).count == 4)
  }

  /// Layers that arrive one by one give the bits of those that arrive together.
  @Test func matricesAreMadeLayerByLayer() throws {
    let (together, apart) = (
      cka_stream_create(#"{"device": "cpu"}"#, nil), cka_stream_create(#"{"device": "cpu"}"#, nil)
    )
    for start in stride(from: 0, to: Self.n, by: 8) {
      let rows = Array(start..<start + 8)
      let models = [left, right].map { $0.map { $0.rows(rows) } }
      let (x, y) = (Memory(models[0]), Memory(models[1]))
      #expect(cka_stream_add(together, x.handle, y.handle, nil) == 0)
      let grams = models.map { layers in
        let grams = cka_grams_create(apart, nil)
        for (index, layer) in layers.enumerated() {
          let shape = [Int64(layer.n), Int64(layer.p)]
          let numbers = layer.values.map(Float.init)
          let code = numbers.withUnsafeBytes { numbers in
            shape.withUnsafeBufferPointer { shape in
              var array = cka_array(
                data: numbers.baseAddress, shape: shape.baseAddress, axes: 2, type: CKA_FLOAT32,
                is_fortran_order: 0)
              return cka_grams_add(grams, "\(index)", &array, nil)
            }
          }
          #expect(code == 0)
        }
        return grams
      }
      #expect(cka_stream_add_grams(apart, grams[0], grams[1], nil) == 0)
      #expect(cka_close(grams[0], nil) == 0 && cka_close(grams[1], nil) == 0)
    }
    for name in ["cka", "z"] {
      let (x, y) = (cka_stream_result(together, nil), cka_stream_result(apart, nil))
      #expect(try numbers(name, of: x) == numbers(name, of: y))
    }
  }

  @Test func aModelWithItselfIsOneOnTheDiagonal() throws {
    let model = Memory(left)
    let result = cka_compare(model.handle, 0, nil, nil, nil, nil)
    let scores = try numbers("cka", of: result)
    #expect(scores[0] == 1 && scores[3] == 1)
  }

  /// float64, Fortran order and 16-bit numbers are read where they are.
  @Test func typesAndOrdersAreRead() throws {
    let x = left[0]
    var columns = [Double](repeating: 0, count: x.values.count)
    for i in 0..<x.n { for k in 0..<x.p { columns[k * x.n + i] = x.values[i * x.p + k] } }
    let model = cka_model_create("m", nil)
    let shape = [Int64(x.n), Int64(x.p)]
    x.values.withUnsafeBytes { rows in
      columns.withUnsafeBytes { columns in
        for (name, bytes, isFortran) in [("c", rows, 0), ("f", columns, 1)] {
          var array = cka_array(
            data: bytes.baseAddress, shape: nil, axes: 2, type: CKA_FLOAT64,
            is_fortran_order: Int32(isFortran))
          let added = shape.withUnsafeBufferPointer { shape in
            array.shape = shape.baseAddress
            return cka_model_add_layer(model, name, &array, nil)
          }
          #expect(added == 0)
        }
        let result = cka_compare(model, 0, #"{"estimator": "unbiased"}"#, nil, nil, nil)
        #expect((try? numbers("cka", of: result)[1]).map { abs($0 - 1) < tolerance } == true)
      }
    }
  }

  @Test func theWorkCanBeCancelled() {
    let model = Memory([Activations64.normal(n: 400, p: 64, seed: 5)])
    var error = cka_error()
    let result = cka_compare(
      model.handle, 0, #"{"passes": 100000, "device": "cpu"}"#, { _, _ in 1 }, nil, &error)
    #expect(result == 0)
    #expect(error.code == Int32(CKA_CANCELLED))
    #expect(message(error) == "the work was cancelled")
  }

  /// The function is called on the thread of the caller.
  @Test func progressIsTold() throws {
    final class Shares {
      var all: [Double] = []
      var isOnOtherThread = false
      let thread = Thread.current
    }
    let shares = Shares()
    let model = Memory([Activations64.normal(n: 400, p: 64, seed: 5)])
    let result = cka_compare(
      model.handle, 0, #"{"passes": 1000, "device": "cpu"}"#,
      { share, context in
        guard let context else { return 1 }
        let shares = Unmanaged<Shares>.fromOpaque(context).takeUnretainedValue()
        shares.all.append(share)
        if Thread.current != shares.thread { shares.isOnOtherThread = true }
        return 0
      }, Unmanaged.passUnretained(shares).toOpaque(), nil)
    #expect(try numbers("cka", of: result) == [1])
    #expect(!shares.isOnOtherThread && !shares.all.isEmpty)
    #expect(shares.all.allSatisfy { (0...1).contains($0) })
    #expect(shares.all == shares.all.sorted())
  }

  @Test func manyThreadsCompareAtOnce() async throws {
    let expected = try numbers("cka", of: cka_compare(Memory(left).kept, 0, nil, nil, nil, nil))
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask {
          (try? numbers("cka", of: cka_compare(Memory(left).kept, 0, nil, nil, nil, nil)))
            == expected
        }
      }
      for await isEqual in group { #expect(isEqual) }
    }
  }

  @Test func aResultIsWrittenAsTheCommandDoes() throws {
    let files = try TemporaryFolder()
    let model = Memory(left)
    let result = cka_compare(model.handle, 0, nil, nil, nil, nil)
    let folder = "\(files.path)/result"
    #expect(cka_result_write(result, folder, 0, 1, nil) == 0)
    let names = try Set(FileManager.default.contentsOfDirectory(atPath: folder))
    #expect(
      names.isSuperset(of: ["cka.npy", "cka.csv", "result.json", "report.html", "heatmap.png"]))
    var error = cka_error()
    #expect(cka_result_write(result, folder, 0, 0, &error) == Int32(CKA_CANNOT_CREATE))
    #expect(message(error).hasPrefix(folder))
    #expect(cka_result_write(result, folder, 1, 0, nil) == 0)
  }
}

/// Numbers of a result.
func numbers(_ name: String, of result: cka_handle) throws -> [Double] {
  var array = cka_array()
  #expect(cka_result_array(result, name, &array, nil) == 0)
  let shape = UnsafeBufferPointer(start: array.shape, count: array.axes)
  let count = shape.reduce(1, *)
  #expect(array.type == CKA_FLOAT64 && array.is_fortran_order == 0)
  return Array(
    UnsafeRawBufferPointer(start: array.data, count: Int(count) * 8).bindMemory(to: Double.self))
}

/// A file of a result.
func file(_ name: String, of result: cka_handle) throws -> Data {
  var size = 0
  let bytes = try #require(cka_result_file(result, name, &size, nil))
  #expect(bytes.load(fromByteOffset: size, as: UInt8.self) == 0)
  return Data(bytes: bytes, count: size)
}

/// A document of a result.
func json(_ name: String, of result: cka_handle) throws -> [String: Any] {
  let object = try JSONSerialization.jsonObject(with: file(name, of: result))
  return try #require(object as? [String: Any])
}

/// The sentence of an error.
func message(_ error: cka_error) -> String {
  withUnsafeBytes(of: error.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

/// A model in the caller's memory: float32, in C order.
final class Memory {
  let handle = cka_model_create("m", nil)
  private var values: [UnsafeMutableBufferPointer<Float>] = []
  private var isKept = false

  init(_ layers: [Activations64]) {
    for (index, layer) in layers.enumerated() {
      let room = UnsafeMutableBufferPointer<Float>.allocate(capacity: layer.values.count)
      _ = room.initialize(from: layer.values.map(Float.init))
      values.append(room)
      let shape = [Int64(layer.n), Int64(layer.p)]
      shape.withUnsafeBufferPointer { shape in
        var array = cka_array(
          data: room.baseAddress, shape: shape.baseAddress, axes: 2, type: CKA_FLOAT32,
          is_fortran_order: 0)
        #expect(cka_model_add_layer(handle, "\(index)", &array, nil) == 0)
      }
    }
  }

  /// The handle of memory that is never freed.
  var kept: cka_handle {
    isKept = true
    return handle
  }

  deinit {
    guard !isKept else { return }
    _ = cka_close(handle, nil)
    for room in values { room.deallocate() }
  }
}
