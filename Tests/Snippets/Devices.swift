import DeviceRegistry
import Testing

extension Snippets {
  func devices() throws -> DeviceRegistry.Choice {
    // Snippet begins.
    let registry = DeviceRegistry()
    for candidate in registry.candidates {
      print(candidate.info.id, candidate.info.name, candidate.kind, candidate.info.driver)
    }
    let choice = try registry.choose(.automatic)
    print(choice.devices[0].info.id, choice.reasons)
    // Snippet ends.
    return choice
  }

  @Test func thereIsADevice() throws {
    let choice = try devices()
    #expect(choice.devices.last?.info.id == "cpu")
  }
}
