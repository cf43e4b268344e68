import java.util.Arrays;
import java.util.Scanner;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** Each line of its input is a keyspace and tables: flushes and compacts them, then prints a line. */
public class Compactor {
    public static void main(String[] arguments) throws Exception {
        String address = "service:jmx:rmi:///jndi/rmi://127.0.0.1:" + arguments[0] + "/jmxrmi";
        try (var connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
            MBeanServerConnection server = connector.getMBeanServerConnection();
            ObjectName storage = new ObjectName("org.apache.cassandra.db:type=StorageService");
            String names = String[].class.getName();
            String name = String.class.getName();
            System.out.println("connected");
            for (Scanner lines = new Scanner(System.in); lines.hasNextLine(); ) {
                long second = System.currentTimeMillis() / 1000;
                while (System.currentTimeMillis() / 1000 == second) {
                    Thread.sleep(20); // a tombstone is kept in the second in which it was written
                }
                String[] words = lines.nextLine().split(" ");
                String[] tables = Arrays.copyOfRange(words, 1, words.length);
                server.invoke(storage, "forceKeyspaceFlush",
                        new Object[] {words[0], tables}, new String[] {name, names});
                server.invoke(storage, "forceKeyspaceCompaction",
                        new Object[] {false, words[0], tables},
                        new String[] {"boolean", name, names});
                System.out.println("compacted");
            }
        }
    }
}
