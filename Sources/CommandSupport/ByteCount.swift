import ArgumentParser
import Foundation

/// A number of bytes as it stands behind an option: `4G`, `512M`, `1.5GiB`, `1000000`.
public struct ByteCount: ExpressibleByArgument, Sendable, Hashable {
  /// The bytes.
  public let bytes: Int

  /// So many bytes.
  public init(bytes: Int) { self.bytes = bytes }

  /// Half of this machine's memory.
  public static var halfOfMemory: ByteCount {
    ByteCount(bytes: Int(ProcessInfo.processInfo.physicalMemory / 2))
  }

  /// Reads a positive number and K, M, G or T, which count in steps of 1,024.
  public init?(argument: String) {
    var digits = argument.uppercased()
    for ending in ["IB", "B"] where digits.hasSuffix(ending) {
      digits.removeLast(ending.count)
      break
    }
    var factor = 1.0
    if let unit = digits.last, let power = "KMGT".firstIndex(of: unit) {
      factor = pow(1024, Double("KMGT".distance(from: "KMGT".startIndex, to: power)) + 1)
      digits.removeLast()
    }
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
      let number = Double(digits), number > 0, number * factor < 0x1p62
    else { return nil }
    bytes = Int(number * factor)
  }

  /// As it stands behind an option.
  public var defaultValueDescription: String { Format.bytes(bytes) }
}
