import Activations
import Foundation

/// One model of a sweep, as its results name it.
public struct SweepModel: Codable, Sendable, Hashable {
  /// One layer.
  public struct Layer: Codable, Sendable, Hashable {
    /// Its name, unique in the model.
    public var name: String
    /// The stage of the network it belongs to, where known.
    public var stage: String?
    /// n, then the axes of its features as they are stored.
    public var shape: [Int]
    /// The type of the stored numbers.
    public var scalarType: String
    /// p after pooling.
    public var features: Int

    init(_ layer: LayerActivations) {
      name = layer.name
      stage = layer.stage
      shape = [layer.shape.exampleCount] + layer.shape.featureAxes
      scalarType = layer.scalarType.rawValue
      features = layer.featureCount
    }
  }

  /// What results call it, unique in the sweep.
  public var name: String
  /// The file or folder, as it was given.
  public var path: String
  /// Its layers, in the network's order.
  public var layers: [Layer]
}

/// What a store remembers of a model.
struct ModelEntry: Codable, Sendable, Hashable {
  var model: SweepModel
  /// Where the model was, from the root on.
  var location: String
  /// Its files then; those that are still alike are not read again.
  var files: [FileStamp]
  /// A hash of a few examples of all layers: the same in all shards.
  var sample: String
  /// The key of each minibatch's matrices, by the minibatch's index.
  var keys: [Int: String]
  /// The digest of the settings that the keys were made with.
  var settings: String

  /// The key of a minibatch.
  func key(_ minibatch: Int) -> Digest? {
    keys[minibatch].flatMap { Digest(hexadecimal: $0) }
  }

  /// What the entry's file is called: by it a damaged one is known to be a certain model's.
  static func fileName(number: Int, model name: String) -> String {
    let digits = String(number)
    let zeros = String(repeating: "0", count: max(4 - digits.count, 0))
    return "\(zeros)\(digits)-\(hexadecimal64(Digest(of: name).low)).json"
  }

  /// The number in a file's name; nil where it is not one of these names.
  static func number(ofFile name: String) -> Int? {
    guard name.hasSuffix(".json"), let dash = name.firstIndex(of: "-") else { return nil }
    return Int(name[..<dash])
  }
}

/// What tells whether a file has changed without reading it.
struct FileStamp: Codable, Sendable, Hashable {
  var name: String
  var size: Int
  /// Nanoseconds since 1970 of the last change of its content, and of anything about it.
  var modified: Int
  var changed: Int

  /// The files that a model at `path` may be made of: those in a folder, or the file and what lies
  /// beside it to describe it. Empty where one of them was changed a moment ago: another change
  /// could then leave the times as they are.
  static func files(ofModel path: String) -> [FileStamp] {
    let (folder, name) = StorePath.split(path)
    let paths =
      if StorePath.isFolder(path) {
        ((try? StorePath.contents(path)) ?? []).filter { !$0.hasPrefix(".") }.map {
          "\(path)/\($0)"
        }
      } else {
        [path]
          + ((try? StorePath.contents(folder)) ?? []).filter {
            $0 != name && ($0 == "layers.json" || $0.hasSuffix(".examples.txt"))
          }.map { "\(folder)/\($0)" }
      }
    let now = Int(Date().timeIntervalSince1970 * 1e9)
    var stamps: [FileStamp] = []
    for path in paths {
      var status = stat()
      guard stat(path, &status) == 0 else { return [] }
      guard status.st_mode & S_IFMT == S_IFREG else { continue }
      func nanoseconds(_ time: timespec) -> Int { time.tv_sec * 1_000_000_000 + time.tv_nsec }
      let stamp = FileStamp(
        name: StorePath.split(path).name, size: Int(status.st_size),
        modified: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim))
      guard now - stamp.changed > 1_000_000_000 else { return [] }
      stamps.append(stamp)
    }
    return stamps
  }
}
