import CKA
import Device
import DeviceRegistry
import FoundationEssentials
import Support

/// The options of a call: a JSON object.
struct Options: Decodable {
  enum Order: String, Codable, CaseIterable { case shuffled, stored }

  var estimator: String?
  var batchSize: Int?
  var passes: Int?
  var seed: UInt64?
  var order: String?
  var ragged: String?
  var kernel: String?
  var bandwidth: Double?
  var sigma: Double?
  var device: String?
  var precision: String?
  var memory: Int?

  private enum CodingKeys: String, CodingKey {
    case estimator
    case batchSize = "batch_size"
    case passes, seed, order, ragged, kernel, bandwidth, sigma, device, precision, memory
  }

  /// The keys of an object, whatever they are called.
  private struct Keys: Decodable {
    private struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }

      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    let names: [String]

    init(from decoder: any Decoder) throws {
      names = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
    }
  }

  /// The options in `json`; none where it is NULL.
  ///
  /// - Parameter known: the keys that the call takes.
  init(_ json: UnsafePointer<CChar>?, known: Set<String>) throws(Failure) {
    let data = Data((json == nil ? "{}" : try text(json, "options")).utf8)
    let names = try Self.decoded(Keys.self, from: data).names
    if let name = names.first(where: { !known.contains($0) }) {
      throw Failure(
        .usage,
        "options: there is no \"\(oneLine(name))\" here; there are "
          + known.sorted().joined(separator: ", "))
    }
    self = try Self.decoded(Options.self, from: data)
  }

  private static func decoded<Value: Decodable>(
    _ type: Value.Type, from data: Data
  ) throws(Failure) -> Value {
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch let error as DecodingError {
      throw Failure(.usage, "options: \(words(error))")
    } catch {
      throw Failure(.usage, "options: \(oneLine("\(error)"))")
    }
  }

  private static let expected = "expected a JSON object whose numbers are in range"

  private static func words(_ error: DecodingError) -> String {
    switch error {
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      return key.isEmpty ? Self.expected : "\(key): expected \(type)"
    default: return Self.expected
    }
  }
}

extension Options {
  static let ofKernel: Set<String> = ["kernel", "bandwidth", "sigma"]
  static let ofDevice: Set<String> = ["device", "precision"]
  static let ofEstimator: Set<String> = [
    "estimator", "batch_size", "passes", "seed", "order", "ragged",
  ]

  /// One of the cases of an enumeration, by its name.
  private static func choice<Choice: RawRepresentable & CaseIterable>(
    _ text: String?, _ key: String, or usual: Choice
  ) throws(Failure) -> Choice where Choice.RawValue == String {
    guard let text else { return usual }
    guard let choice = Choice(rawValue: text) else {
      throw Failure(
        .usage,
        "options: \(key) is \"\(oneLine(text))\"; there are "
          + Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  var estimatorValue: Estimator {
    get throws(Failure) {
      let name = try Self.choice(estimator, "estimator", or: Estimator.Name.minibatch)
      let order = try Self.choice(order, "order", or: Order.shuffled)
      let ragged = try Self.choice(ragged, "ragged", or: Estimator.Ragged.drop)
      if name != .minibatch {
        let given = [
          ("batch_size", batchSize != nil), ("passes", passes != nil),
          ("order", self.order != nil), ("ragged", self.ragged != nil), ("seed", seed != nil),
        ]
        if let (key, _) = given.first(where: \.1) {
          throw Failure(
            .usage, "options: \(key) needs the estimator minibatch; \(name) uses all examples")
        }
      }
      return Estimator(
        name,
        .init(
          size: batchSize, passes: passes ?? 1,
          order: order == .stored ? .stored : .shuffled(seed: seed ?? 0), ragged: ragged))
    }
  }

  var kernelValue: GramKernel {
    get throws(Failure) {
      let name = try Self.choice(kernel, "kernel", or: GramKernel.Name.linear)
      for (key, value) in [("bandwidth", bandwidth), ("sigma", sigma)] {
        guard let value else { continue }
        guard name == .rbf else { throw Failure(.usage, "options: \(key) needs the kernel rbf") }
        guard value > 0, value.isFinite else {
          throw Failure(.usage, "options: \(key) is \(value); it must be positive and finite")
        }
      }
      guard bandwidth == nil || sigma == nil else {
        throw Failure(.usage, "options: bandwidth and sigma cannot be combined")
      }
      return GramKernel(name, bandwidth: bandwidth, sigma: sigma)
    }
  }

  var precisionValue: Precision {
    get throws(Failure) { try Self.choice(precision, "precision", or: Precision.exact) }
  }

  /// Chooses devices.
  func choice() throws -> DeviceRegistry.Choice {
    guard let selection = DeviceSelection(device ?? "auto") else {
      throw Failure(
        .usage,
        "options: device is \"\(oneLine(device ?? ""))\"; there are auto, cpu, opencl, opencl:INDEX, "
          + "opencl:all")
    }
    let precision = try precisionValue
    do throws(DeviceError) {
      return try DeviceRegistry.choose(selection, precision: precision)
    } catch {
      throw Failure(
        error.kind == .notFound ? .unavailable : .software,
        "device \(device ?? "auto"): \(oneLine(error.context))")
    }
  }

  /// Bytes that may be taken.
  var memoryValue: Int {
    get throws(Failure) {
      guard let memory else { return Comparison.defaultMemory }
      guard memory > 0 else {
        throw Failure(.usage, "options: memory is \(memory); it must be positive")
      }
      return memory
    }
  }
}
