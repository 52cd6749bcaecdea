import Foundation

/// Reads `Tests/Fixtures/NAME.json`, which `NAME.py` beside it has made.
public func fixture<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws
  -> Value
{
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
  let file = folder.appendingPathComponent("Fixtures/\(name).json")
  return try JSONDecoder().decode(Value.self, from: Data(contentsOf: file))
}
