// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps a device as any file is mapped in Java: by FileChannel.map(), which asks fstat(2)
 * for the size, and tries to make a file larger that is too small.
 *
 *   java Map LABEL DEVICE SIZE     TAP, without a plan
 */
import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

class Map {
	static String label;

	interface Check {
		boolean holds() throws IOException;
	}

	static void result(String name, Check check) {
		boolean holds = false;

		try {
			holds = check.holds();
		} catch (IOException | RuntimeException e) {
			System.out.println("#   " + e);
		}
		System.out.println((holds ? "ok" : "not ok") + " 0 - " + label + ": " + name);
	}

	/* A second descriptor, and with it a second mapping. */
	static int byteAt(Path device, int index) throws IOException {
		try (FileChannel reader = FileChannel.open(device, StandardOpenOption.READ)) {
			return reader.map(MapMode.READ_ONLY, 0, reader.size()).get(index);
		}
	}

	static boolean isShared(FileChannel channel, Path device) throws IOException {
		MappedByteBuffer map = channel.map(MapMode.READ_WRITE, 0, channel.size());
		int last = map.capacity() - 1;

		map.put(last, (byte) 7);
		map.putInt(0, 0x01020304);
		map.force();
		return byteAt(device, last) == 7 && byteAt(device, 0) == 1;
	}

	static boolean isRefused(FileChannel channel, long size) {
		try {
			channel.map(MapMode.READ_WRITE, 0, size);
			return false;
		} catch (IOException e) {
			return true;
		}
	}

	public static void main(String[] args) throws IOException {
		Path device = Path.of(args[1]);
		long size = Long.parseLong(args[2]);

		label = args[0];
		try (FileChannel channel = FileChannel.open(device,
				StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			result("size() is that of the window", () -> channel.size() == size);
			result("map() of size() is shared", () -> isShared(channel, device));
			result("map() of more is refused", () -> isRefused(channel, size + 1));
		}
	}
}
